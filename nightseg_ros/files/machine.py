# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Describes the machine of a measurement."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import cv2
import numpy as np

from nightseg_ros import __version__


def machine() -> dict[str, str]:
    """Return processor, memory, system and software versions."""
    count = cores()
    return {
        "processor": f"{processor()}, {count} core{'' if count == 1 else 's'}",
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "software": f"nightseg_ros {__version__}, Python {platform.python_version()}, "
        f"numpy {np.__version__}, OpenCV {cv2.__version__}",
    }


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the name of the processor, as known to the system."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, name = line.partition(":")
        if key.strip() == "model name" and name.strip():
            return name.strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return ""
    return f"{whole / 2**30:.1f} GiB"
