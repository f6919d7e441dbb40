# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Semantic segmentation for cameras that must also see at night."""

__version__ = "0.1.0"
