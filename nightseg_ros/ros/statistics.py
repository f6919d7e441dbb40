# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recent figures of the node, written by executor and worker, read by the diagnostics.

Durations and rates go by the steady clock, so neither a stepped system clock nor simulated time
can spoil them; ages of images are given by the caller, who knows the clock of the graph.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import NamedTuple

STAGES = (
    "wait",
    "decode",
    "preprocess",
    "translate",
    "inference",
    "postprocess",
    "publish",
    "total",
    "overhead",
    "age",
)
"""Figures of each frame in ms: `total` is receipt to publication, `overhead` that less engines."""


class Percentiles(NamedTuple):
    """What a window of values says, all in the unit of the values."""

    p50: float
    p95: float
    p99: float
    largest: float


class Window:
    """The last values of one figure."""

    def __init__(self, size: int = 500) -> None:
        self._values: deque[float] = deque(maxlen=size)
        self._lock = Lock()

    def add(self, value: float) -> None:
        """Take a value in."""
        with self._lock:
            self._values.append(value)

    def percentiles(self) -> Percentiles | None:
        """Return the percentiles by nearest rank; None before the first value.

        >>> window = Window()
        >>> for value in range(1, 101):
        ...     window.add(value)
        >>> window.percentiles()
        Percentiles(p50=50, p95=95, p99=99, largest=100)
        """
        with self._lock:
            values = sorted(self._values)
        return percentiles(values) if values else None


def percentiles(rising: list[float]) -> Percentiles:
    """Return the percentiles of values in rising order."""

    def rank(share: float) -> float:
        return rising[math.ceil(share * len(rising)) - 1]

    return Percentiles(rank(0.50), rank(0.95), rank(0.99), rising[-1])


class Rate:
    """Events per second over the last seconds."""

    def __init__(self, span_s: float = 5.0, clock: Callable[[], float] = time.perf_counter) -> None:
        self._span_s = span_s
        self._clock = clock
        self._times: deque[float] = deque(maxlen=2048)
        self._lock = Lock()
        self._last_s = -math.inf

    def tick(self) -> None:
        """Note an event."""
        with self._lock:
            self._last_s = self._clock()
            self._times.append(self._last_s)

    def hz(self) -> float:
        """Return the rate; it sinks while nothing happens, and is 0 after the span."""
        with self._lock:
            now = self._clock()
            while self._times and self._times[0] < now - self._span_s:
                self._times.popleft()
            if len(self._times) < 2:
                return 0.0
            spacing_s = (self._times[-1] - self._times[0]) / (len(self._times) - 1)
            silence_s = now - self._times[-1]
            return 1.0 / max(spacing_s, silence_s, 1e-9)

    def silence_s(self, since_s: float) -> float:
        """Return the time since the last event, or since `since_s` where that is later."""
        with self._lock:
            return self._clock() - max(self._last_s, since_s)


class CameraStatistics:
    """What happened to one camera of late."""

    def __init__(self) -> None:
        self.received = Rate()
        self.published = Rate()
        self.lost = 0
        self.age_ms: float | None = None
        self.route = ""
        self.reason = ""
        self.illumination: float | None = None
        self.left_out = ""
        self._fault = ""
        self._fault_s = -math.inf

    def reject(self, fault: str) -> None:
        """Note why an image was rejected."""
        self._fault, self._fault_s = fault, time.perf_counter()

    def fault(self, within_s: float) -> str:
        """Return why an image was rejected of late; empty where none was."""
        return self._fault if time.perf_counter() - self._fault_s < within_s else ""


class NodeStatistics:
    """What the worker did of late, over all cameras."""

    def __init__(
        self, cameras: Iterable[str], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.cameras = {camera: CameraStatistics() for camera in cameras}
        self.stages = {stage: Window() for stage in STAGES}
        self._clock = clock
        self._lock = Lock()
        self._started_s: float | None = None
        self._last_ms: float | None = None
        self._late_since_s: float | None = None

    def start_frame(self) -> float:
        """Note that the worker took a frame; the moment tells it from others."""
        with self._lock:
            self._started_s = self._clock()
            return self._started_s

    def end_frame(
        self,
        times_ms: Mapping[str, float] | None,
        allowed_ms: float,
        frame: float | None = None,
    ) -> None:
        """Note that it is done with it; `times_ms` is None where nothing was published.

        A `frame` that is not the one under way was abandoned, and counts no more.
        """
        with self._lock:
            if frame is not None and frame != self._started_s:
                return
            started_s, self._started_s = self._started_s, None
            if times_ms is None or started_s is None:
                return
            self._last_ms = (self._clock() - started_s) * 1e3
            if self._last_ms <= allowed_ms:
                self._late_since_s = None
            elif self._late_since_s is None:
                self._late_since_s = started_s
        for stage, value in times_ms.items():
            self.stages[stage].add(value)

    def abandon_frame(self) -> None:
        """Forget the frame under way: it will never end."""
        with self._lock:
            self._started_s = None

    def processing(self, allowed_ms: float) -> tuple[float | None, float]:
        """Return the time of the latest frame and for how long frames have been too slow, in ms.

        A frame that is still being worked on counts as soon as it is late, so an engine that
        hangs is reported while it hangs.
        """
        with self._lock:
            now = self._clock()
            latest, late_since_s = self._last_ms, self._late_since_s
            if self._started_s is not None and (now - self._started_s) * 1e3 > allowed_ms:
                latest = (now - self._started_s) * 1e3
                late_since_s = self._started_s if late_since_s is None else late_since_s
            return latest, 0.0 if late_since_s is None else (now - late_since_s) * 1e3
