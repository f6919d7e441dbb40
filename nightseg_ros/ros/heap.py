# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every large buffer goes back to the system when it is freed.

glibc keeps large blocks in its heap once it has seen one freed, and small ones that live longer
settle between them. With images of 691 kB from four cameras that is some 10 MB, and it grows.
"""

from __future__ import annotations

import ctypes

M_MMAP_THRESHOLD = -3
LARGE_BYTES = 128 * 1024
"""From here on a buffer has pages of its own. glibc begins with this value, and raises it."""


def return_large_buffers() -> bool:
    """Fix the size from which buffers have pages of their own; False where that is not to be had.

    It holds for the whole process, so it is for programs, not for libraries.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc: musl, macOS, Windows
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGE_BYTES))
