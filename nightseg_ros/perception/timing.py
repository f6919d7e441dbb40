# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measures the stages of a frame, and the recent latency of each route."""

from __future__ import annotations

import time
from collections import deque

from nightseg_ros.metrics.percentiles import percentile

STAGES = ("preprocess", "translate", "inference", "postprocess")
"""The stages of a frame, in order; "total" is the time from first to last."""
ENGINE_STAGES = ("translate", "inference")


class Stopwatch:
    """Splits the time since it was made into named stages, without gaps between them."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps = dict.fromkeys(STAGES, 0.0)

    def lap(self, stage: str) -> None:
        """Add the time since the last lap to `stage`."""
        now = time.perf_counter()
        self._laps[stage] += (now - self._last) * 1e3
        self._last = now

    def times_ms(self) -> dict[str, float]:
        """Return stage -> milliseconds, with "total" up to the last lap."""
        return {**self._laps, "total": (self._last - self._start) * 1e3}


class LatencyHistory:
    """The recent total times of each route.

    They expire after `keep_s`, so that a slow route is tried again.
    """

    def __init__(self, window: int = 32, least: int = 5) -> None:
        self._window = window
        self._least = least
        self._samples: dict[str, deque[tuple[float, float]]] = {}

    def add(self, route: str, total_ms: float, now_s: float) -> None:
        """Record one frame."""
        self._samples.setdefault(route, deque(maxlen=self._window)).append((now_s, total_ms))

    def estimates(self, now_s: float, keep_s: float) -> dict[str, float]:
        """Return route -> its 95th percentile in ms, for routes with enough recent frames.

        The slowest frame does not count: one outlier must not exclude a route. Samples from the
        future belong to an earlier loop of a simulated clock and do not count either.
        """
        found: dict[str, float] = {}
        for route, samples in self._samples.items():
            recent = sorted(ms for at, ms in samples if now_s - keep_s <= at <= now_s)
            if len(recent) >= self._least:
                found[route] = percentile(recent[:-1], 0.95)
        return found
