# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""NiSeNet: two channels, and a network that chooses between them patch by patch."""
