# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a process takes: its own memory apart from shared memory, and nothing once it is gone."""

from __future__ import annotations

import subprocess
import sys

from nightseg_ros.trials.process_usage import IDLE_BUSY_SHARE, Usage, disturbed_starts, usage

CHILD = """
import sys
from multiprocessing.shared_memory import SharedMemory
shared = SharedMemory(create=True, size=30_000_000)
shared.buf[:] = bytes(30_000_000)
own = bytearray(b"x" * 50_000_000)
print("up", flush=True)
sys.stdin.readline()
shared.close()
shared.unlink()
"""


def test_own_and_shared_memory_are_counted_apart():
    command = [sys.executable, "-c", CHILD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"up\n"
        held = usage(process.pid)
        process.stdin.write(b"\n")
    assert held.threads >= 1
    assert held.files >= 3
    assert 50e6 < held.own_bytes < 150e6
    assert 30e6 <= held.shared_bytes < 31e6
    assert usage(process.pid) == Usage(0, 0, 0)


def test_other_work_before_a_measurement_is_a_warning():
    assert disturbed_starts([0.0, IDLE_BUSY_SHARE]) == []
    (warning,) = disturbed_starts([0.0, 0.9, 0.8])
    assert "before 2 of 3 starts" in warning
