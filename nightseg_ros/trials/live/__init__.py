# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Replays into a running ROS graph: what is sent and what is counted; no ROS in here."""
