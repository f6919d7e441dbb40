# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The fault campaign: everything that may go wrong on a vehicle, injected into a running node."""
