# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Memory of the size of images: kept from frame to frame, and released where it lies unused.

A frame passes through some eight buffers of its size: those of the middleware, of rclpy and of the
node. glibc maps large buffers anew for each, and the first touch of each page costs more than the
copy into it: half of the time between camera and mask was spent there. Its heap gives the same
pages again and again. But each thread has a heap of its own, which only grows, and long-lived small
blocks fragment it. So all threads share one heap, and its unused pages are released now and then.

All of this affects the whole process, so call it in programs, not in libraries.
"""

from __future__ import annotations

import ctypes

TRIM_PERIOD_S = 60.0
"""Often enough that little is lost in between; the frame after it has to touch its pages anew."""

_MMAP_THRESHOLD, _TRIM_THRESHOLD, _ARENA_MAX = -3, -1, -8  # of malloc.h
_LARGEST_ON_HEAP = 32 * 2**20
"""The most that glibc allows: a bgr8 image of 3840x2160 has 25 MB."""
_UNUSED_ON_TOP = 256 * 2**20


def keep_large_buffers() -> bool:
    """Keep freed buffers of images for the next frame; False without glibc.

    Call it before there are threads.
    """
    mallopt = _function("mallopt")
    if mallopt is None:
        return False
    settings = {
        _ARENA_MAX: 1,
        _MMAP_THRESHOLD: _LARGEST_ON_HEAP,
        _TRIM_THRESHOLD: _UNUSED_ON_TOP,
    }
    taken = [bool(mallopt(setting, value)) for setting, value in settings.items()]
    return all(taken)


def release_unused_pages() -> None:
    """Return what lies unused in the heap to the system, also between blocks that are in use."""
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)


def _function(name: str) -> ctypes._NamedFuncPointer | None:
    try:
        found = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):  # not glibc: musl, macOS, Windows
        return None
    return found  # type: ignore[no-any-return]
