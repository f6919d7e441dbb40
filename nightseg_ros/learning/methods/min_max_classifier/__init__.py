# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Similarity Min-Max for a classifier of whole pictures."""
