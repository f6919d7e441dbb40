# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Driving data sets: one small file per public layout, opened by a short text. Free of torch."""

from nightseg_ros.datasets.catalog import LAYOUTS, open_set, open_sets
from nightseg_ros.datasets.sample import DrivingSet, Sample

__all__ = ["LAYOUTS", "DrivingSet", "Sample", "open_set", "open_sets"]
