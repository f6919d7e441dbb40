# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one exception that users are meant to read."""

from __future__ import annotations


class NightsegError(Exception):
    """Something the user can put right: the message holds the value, the cause and the remedy."""
