# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Large buffers go back to the system, however small ones lie between them."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

SCRIPT = """
import os, sys
from pathlib import Path
from nightseg_ros.ros.heap import return_large_buffers

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

if sys.argv[1] == "fixed":
    assert return_large_buffers()
bytearray(900_000)  # glibc has now seen a large block freed
before, kept, large = resident_mb(), [], []
for _ in range(200):
    large.append(bytearray(700_000))
    kept.append(bytearray(4000))  # lives on, above it in the heap
del large
print(resident_mb() - before)
"""


def grown_mb(how):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="needs the heap of glibc"
)
def test_freed_buffers_leave_the_process():
    assert grown_mb("fixed") < 5.0
    assert grown_mb("as it is") > 50.0  # what it is for
