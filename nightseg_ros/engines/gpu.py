# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Detects an NVIDIA GPU by its device files, whether its driver works or not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

DEVICES = ("nvidia[0-9]*", "nvhost-gpu", "nvgpu", "nvmap", "dxg")
"""Device files of desktop, Jetson, and Windows' Linux, in /dev."""

NO_GPU = "there is no NVIDIA GPU on this machine"


def gpu_device(folder: Path = Path("/dev")) -> str:
    """Return the device file of a GPU, or an empty text."""
    found = (str(path) for pattern in DEVICES for path in sorted(folder.glob(pattern)))
    return next(found, "")


def nvidia_smi(fields: str) -> str:
    """Return facts of the first GPU as its tool names them; empty where it does not answer."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    query = [program, f"--query-gpu={fields}", "--format=csv,noheader,nounits", "--id=0"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
