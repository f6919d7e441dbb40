# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How long tests wait for what usually comes at once."""

from __future__ import annotations

PATIENCE_S = 120.0
"""Processes start and end slowly where all cores are busy; where not, nobody waits so long."""
