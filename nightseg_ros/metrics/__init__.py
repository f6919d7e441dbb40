# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics of masks and times, each defined once: confusion, scores, intervals, percentiles.

It knows no image files, engines or frames, so every folder may use it.
"""
