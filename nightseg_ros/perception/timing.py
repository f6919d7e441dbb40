# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How long the stages of a frame took, and how long a route takes of late."""

from __future__ import annotations

import math
import time
from collections import deque

STAGES = ("preprocess", "translate", "inference", "postprocess")
"""What a frame passes through, in order; "total" is the time from first to last."""
ENGINE_STAGES = ("translate", "inference")


class Stopwatch:
    """Splits the time since it was made into named stages, without gaps between them."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps = dict.fromkeys(STAGES, 0.0)

    def lap(self, stage: str) -> None:
        """Book the time since the last lap under `stage`."""
        now = time.perf_counter()
        self._laps[stage] += (now - self._last) * 1e3
        self._last = now

    def times_ms(self) -> dict[str, float]:
        """Return stage -> milliseconds, with "total" up to the last lap."""
        return {**self._laps, "total": (self._last - self._start) * 1e3}


class LatencyHistory:
    """The recent total times of each route, kept only as long as they are still news.

    That a route is forgotten after `keep_s` is what gives a slow one its next chance.
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

        The slowest frame is left out first: one hiccup does not condemn a route. Samples from
        the future belong to an earlier loop of a simulated clock and do not count.
        """
        found: dict[str, float] = {}
        for route, samples in self._samples.items():
            recent = sorted(ms for at, ms in samples if now_s - keep_s <= at <= now_s)
            if len(recent) >= self._least:
                typical = recent[:-1]
                found[route] = typical[math.ceil(0.95 * len(typical)) - 1]
        return found
