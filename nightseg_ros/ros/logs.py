# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The logs of a node: faults of every frame only now and again, diagnostics when they change."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock

from nightseg_ros.perception.status import OK, Report


class ThrottledLog:
    """Logs a message immediately, and its repetitions at most once per period with a count.

    rclpy throttles by line of code, so two cameras, or two causes, would silence each other. Here
    subject and text, without the numbers in it, identify a message. `most` messages per period
    bound the log where the texts contain garbage.
    """

    def __init__(
        self,
        log: Callable[[str], object],
        period_s: float = 10.0,
        most: int = 10,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._period_s = period_s
        self._clock = clock
        self._logged: dict[tuple[str, str], tuple[float, int]] = {}
        self._recent: deque[float] = deque([float("-inf")] * most, maxlen=most)
        self._lock = Lock()

    def __call__(self, subject: str, text: str) -> None:
        """Log `text` about `subject` unless a similar one was logged recently; from any thread."""
        key = (subject, re.sub(r"\d+", "#", text))
        with self._lock:
            now = self._clock()
            at, suppressed = self._logged.get(key, (float("-inf"), 0))
            if now - at < self._period_s or now - self._recent[0] < self._period_s:
                if key in self._logged:
                    self._logged[key] = (at, suppressed + 1)
                return
            if len(self._logged) >= 1000:
                self._logged.clear()
            self._logged[key] = (now, 0)
            self._recent.append(now)
        more = f" ({suppressed} more like this since)" if suppressed else ""
        self._log(f"{subject}: {text}{more}")


HELD_S = 3.0
"""A status must stay better this long to count as recovered; a flickering one warns once."""


@dataclass
class _Known:
    """What has been logged about a status."""

    level: int = OK
    by_others: bool = False
    """Whether other code has logged it already."""
    better_since_s: float | None = None


class StatusLog:
    """Logs the changes of all statuses of one node, once each."""

    def __init__(
        self,
        warn: Callable[[str], object],
        info: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._warn, self._info, self._clock = warn, info, clock
        self._known: dict[str, _Known] = {}

    def __call__(self, reports: Iterable[Report]) -> None:
        """Log what has changed since the last call; forget a status that is missing now."""
        reports = list(reports)
        self._known = {report.name: self._known.get(report.name, _Known()) for report in reports}
        for report in reports:
            known = self._known[report.name]
            news = known.by_others and not report.logged
            if report.level > known.level or (report.level == known.level > OK and news):
                self._known[report.name] = _Known(report.level, report.logged)
                if not report.logged:
                    self._warn(f"{report.name}: {report.message}")
            elif report.level == known.level:
                known.better_since_s = None
            elif self._has_lasted(known):
                self._known[report.name] = _Known(report.level)
                if report.level == OK and not report.logged:
                    self._info(f"{report.name}: {report.message}")

    def _has_lasted(self, known: _Known) -> bool:
        now = self._clock()
        if known.better_since_s is None:
            known.better_since_s = now
        return now - known.better_since_s >= HELD_S
