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
    own_bytes: int
    """Resident memory that is its own, or that of files."""
    shared_bytes: int = 0
    """Pages of shared memory that it has touched: the middleware's segments, of fixed sizes."""


def usage(pid: int) -> Usage:
    """Look at a process now."""
    folder = Path(f"/proc/{pid}")
    try:
        threads, files = len(os.listdir(folder / "task")), len(os.listdir(folder / "fd"))
        kilobytes = {
            name: int(rest.split()[0])
            for name, _, rest in (
                line.partition(":") for line in (folder / "status").read_text().splitlines()
            )
            if name in ("RssAnon", "RssFile", "RssShmem")
        }
        own = kilobytes["RssAnon"] + kilobytes["RssFile"]
        return Usage(threads, files, 1024 * own, 1024 * kilobytes["RssShmem"])
    except (OSError, KeyError):
        return Usage(0, 0, 0)
