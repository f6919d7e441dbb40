# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""CycleGAN: day to night and back, without pairs."""
