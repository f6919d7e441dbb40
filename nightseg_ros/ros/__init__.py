# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The ROS 2 nodes and their parts; nothing outside this folder imports rclpy."""
