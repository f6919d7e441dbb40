# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How fast engines run networks, each measured in a process of its own."""
