# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether this machine has an NVIDIA GPU, told by its device files, be its driver good or bad."""

from __future__ import annotations

from pathlib import Path

DEVICES = ("nvidia[0-9]*", "nvhost-gpu", "nvgpu", "nvmap", "dxg")
"""Device files of desktop, Jetson, and Windows' Linux, in /dev."""

NO_GPU = "there is no NVIDIA GPU on this machine"


def gpu_device(folder: Path = Path("/dev")) -> str:
    """Return the device file of a GPU, or an empty text."""
    found = (str(path) for pattern in DEVICES for path in sorted(folder.glob(pattern)))
    return next(found, "")
