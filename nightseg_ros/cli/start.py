# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The first lines of `nightseg`: handle Ctrl-C before anything that takes time is imported."""

from __future__ import annotations

from nightseg_ros.cli.interrupts import leave_on_interrupt


def main() -> int:
    """Run `nightseg` and return its exit code."""
    leave_on_interrupt()
    from nightseg_ros.cli.main import main as run

    return run()
