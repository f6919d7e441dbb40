# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a process holds: threads, open files, memory, as Linux tells it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Usage(NamedTuple):
    """All of one moment; zeros where the process is gone."""

    threads: int
    files: int
    resident_bytes: int


def usage(pid: int) -> Usage:
    """Look at a process now."""
    folder = Path(f"/proc/{pid}")
    try:
        return Usage(
            len(os.listdir(folder / "task")),
            len(os.listdir(folder / "fd")),
            int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        )
    except (OSError, IndexError):
        return Usage(0, 0, 0)
