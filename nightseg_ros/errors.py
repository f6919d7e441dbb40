# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one exception that users are meant to read."""

from __future__ import annotations


class NightsegError(Exception):
    """Something the user can put right: the message holds the value, the cause and the remedy."""


def last_line(error: Exception) -> str:
    """Return the line of a library's exception that says what is wrong; those before say where."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1][:200]
