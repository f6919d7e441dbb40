# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Similarity Min-Max, second step: segmentation of day frames and their darkened copies."""
