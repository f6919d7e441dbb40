# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What another process takes: processor time, memory, threads, open files."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import NamedTuple

import psutil

SAMPLE_S = 0.2
IDLE_BUSY_SHARE = 0.15
"""A machine that is busier than this before a measurement does other work."""
SHARED = "/dev/shm/"  # noqa: S108 it is only looked at


def busy_share(interval_s: float = 0.2) -> float:
    """Return how busy all cores are together."""
    return float(psutil.cpu_percent(interval_s)) / 100


def disturbed(busy: int, measured: int, what: str) -> list[str]:
    """Return a warning where the machine did other work before some of what was measured.

    >>> disturbed(0, 3, "starts"), disturbed(1, 3, "starts")[0][:50]
    ([], 'DISTURBED: the machine did other work before 1 of ')
    """
    if not busy:
        return []
    return [
        f"DISTURBED: the machine did other work before {busy} of {measured} {what}; "
        "measure again on an idle one"
    ]


def disturbed_starts(busy: Sequence[float]) -> list[str]:
    """Return the warning for how busy the machine was before each start of what was measured."""
    return disturbed(sum(share > IDLE_BUSY_SHARE for share in busy), len(busy), "starts")


class Usage(NamedTuple):
    """What a process holds at one moment."""

    threads: int
    files: int
    own_bytes: int
    """Resident memory that is its own, or that of files."""
    shared_bytes: int = 0
    """Pages of shared memory that it has touched: the middleware's segments, of fixed sizes."""


def usage(pid: int) -> Usage:
    """Look at a process now; zeros where it is gone."""
    try:
        process = psutil.Process(pid)
        areas = process.memory_maps()
        shared = sum(area.rss for area in areas if area.path.startswith(SHARED))
        own = process.memory_info().rss - shared
        return Usage(process.num_threads(), process.num_fds(), own, shared)
    except psutil.Error:
        return Usage(0, 0, 0)


class ProcessUsage:
    """Follows one process from now on; `sample` is to be called every now and then."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._start_s = self._sampled_s = time.perf_counter()
        self._start_cpu_s = self._cpu_s() or 0.0
        self._largest = 0
        self._look()

    def sample(self) -> None:
        """Look at the memory, where the last look is long enough ago."""
        now = time.perf_counter()
        if now - self._sampled_s >= SAMPLE_S:
            self._sampled_s = now
            self._look()

    @property
    def cpu_percent(self) -> float | None:
        """Processor time since the start, 100 being one core; None once the process is gone."""
        passed_s, cpu_s = time.perf_counter() - self._start_s, self._cpu_s()
        return None if cpu_s is None else 100.0 * (cpu_s - self._start_cpu_s) / passed_s

    @property
    def memory_mb(self) -> float | None:
        """The largest resident memory that was seen, in MB."""
        self._look()
        return self._largest / 1e6 if self._largest else None

    def _cpu_s(self) -> float | None:
        try:
            times = self._process.cpu_times()
        except psutil.Error:
            return None
        return float(times.user + times.system)

    def _look(self) -> None:
        with contextlib.suppress(psutil.Error):  # it is gone
            self._largest = max(self._largest, self._process.memory_info().rss)
