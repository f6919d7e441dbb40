# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a frame to a mask: numpy in, numpy out, no ROS and no torch."""
