# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A night-to-day translator that learns what the network behind it needs."""
