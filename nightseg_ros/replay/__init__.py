# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the pipeline over recordings and data sets, and summarises the results."""
