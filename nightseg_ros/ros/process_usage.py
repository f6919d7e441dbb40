# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Processor time and memory of another process, as Linux tells them in /proc."""

from __future__ import annotations

import os
import time
from pathlib import Path

SAMPLE_S = 0.2


class ProcessUsage:
    """Follows one process from now on; `sample` is to be called every now and then."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")
        self._start_s = self._sampled_s = time.perf_counter()
        self._start_cpu_s = self._cpu_s()
        self._largest = self._resident()

    def sample(self) -> None:
        """Look at the memory, which is let go again without a trace; not oftener than is cheap."""
        now = time.perf_counter()
        if now - self._sampled_s >= SAMPLE_S:
            self._sampled_s = now
            self._largest = max(self._largest, self._resident())

    @property
    def cpu_percent(self) -> float | None:
        """Processor time since the start, 100 being one core; None where it cannot be told."""
        passed_s = time.perf_counter() - self._start_s
        used_s = self._cpu_s() - self._start_cpu_s
        return 100.0 * used_s / passed_s if passed_s > 0 and used_s >= 0 else None

    @property
    def memory_mb(self) -> float | None:
        """The largest resident memory that was seen, in MB."""
        self._largest = max(self._largest, self._resident())
        return self._largest / 1e6 if self._largest else None

    def _cpu_s(self) -> float:
        try:
            fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _resident(self) -> int:
        try:
            pages = int((self._folder / "statm").read_text().split()[1])
        except OSError:
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")
