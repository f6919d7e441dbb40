# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trials of a running node: faults, soak, live, benchmarks."""
