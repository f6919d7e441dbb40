# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
import ctypes
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="needs the heap of glibc"
)

START = """
import os, resource, sys
from pathlib import Path
from nightseg_ros.ros.heap import keep_large_buffers, release_unused_pages

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

if sys.argv[1] == "kept":
    assert keep_large_buffers()
"""

FRAGMENTED = """
kept, large = [], []
for _ in range(200):
    large.append(bytearray(700_000))
    kept.append(bytearray(4000))  # lives on, above it in the heap
before = resident_mb()
del large
unused = resident_mb()
release_unused_pages()
print(before - unused, unused - resident_mb())
"""

OF_A_THREAD = """
import threading

def work(kept):
    large = [bytearray(b"x") * 700_000 for _ in range(100)]
    kept.append(b"y" * 1000)  # lives on, above them in the heap

kept, before = [], resident_mb()
for _ in range(4):
    thread = threading.Thread(target=work, args=(kept,))
    thread.start()
    thread.join()
release_unused_pages()
print(resident_mb() - before)
"""

SEVERAL_4K_IMAGES = """
def faults(times):
    start = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        images = [bytearray(b"x") * 24_900_000 for _ in range(3)]
        del images
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - start

faults(2)
print(faults(5))
"""


def run(script, how="kept"):
    done = subprocess.run(
        [sys.executable, "-c", START + script, how], capture_output=True, text=True, check=True
    )
    return [float(word) for word in done.stdout.split()]


def test_unused_pages_between_used_ones_are_released():
    kept_mb, released_mb = run(FRAGMENTED)
    assert kept_mb < 20.0
    assert released_mb > 100.0


def test_those_of_a_thread_as_well():
    assert run(OF_A_THREAD)[0] < 10.0


def test_large_buffers_get_the_same_pages_again():
    assert run(SEVERAL_4K_IMAGES)[0] < 1000
    assert run(SEVERAL_4K_IMAGES, "as it is")[0] > 50_000  # what it is for
