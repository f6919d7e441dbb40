# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Faults that may come with every frame, told once and then only now and again."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable
from threading import Lock


class Complaints:
    """Passes a complaint on at once, and its repetitions at most once per period with a count.

    rclpy's own throttle goes by line of code, so two cameras, or two causes, would silence each
    other. Here a complaint is known by its subject and its text without the numbers in it; `most`
    per period bounds what garbage inside the texts can make of that.
    """

    def __init__(
        self,
        tell: Callable[[str], object],
        period_s: float = 10.0,
        most: int = 10,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell = tell
        self._period_s = period_s
        self._clock = clock
        self._told: dict[tuple[str, str], tuple[float, int]] = {}
        self._recent: deque[float] = deque([float("-inf")] * most, maxlen=most)
        self._lock = Lock()

    def __call__(self, subject: str, text: str) -> None:
        """Tell `text` of `subject` unless the like was told a moment ago; from any thread."""
        key = (subject, re.sub(r"\d+", "#", text))
        with self._lock:
            now = self._clock()
            at, silent = self._told.get(key, (float("-inf"), 0))
            if now - at < self._period_s or now - self._recent[0] < self._period_s:
                if key in self._told:
                    self._told[key] = (at, silent + 1)
                return
            if len(self._told) >= 1000:
                self._told.clear()
            self._told[key] = (now, 0)
            self._recent.append(now)
        more = f" ({silent} more like this since)" if silent else ""
        self._tell(f"{subject}: {text}{more}")
