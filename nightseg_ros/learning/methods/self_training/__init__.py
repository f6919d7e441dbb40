# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rounds in which teachers label pools of images and a student learns from them."""
