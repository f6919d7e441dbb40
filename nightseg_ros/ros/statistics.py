# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recent statistics of the node, written by executor and worker, read by the diagnostics.

Durations and rates use the steady clock, so neither a stepped system clock nor simulated time
distorts them. The caller gives the ages of images, since it knows the clock of the graph.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import TYPE_CHECKING

from nightseg_ros.metrics.percentiles import percentiles
from nightseg_ros.perception import timing

if TYPE_CHECKING:
    from nightseg_ros.perception.camera_health import Health
    from nightseg_ros.perception.novelty import Novelty

STAGES = ("wait", "decode", *timing.STAGES, "publish", "total", "overhead", "age")
"""Times of each frame in ms: `total` is receipt to publication, `overhead` is without engines."""


class Window:
    """The latest values of one quantity."""

    def __init__(self, size: int = 500) -> None:
        self._values: deque[float] = deque(maxlen=size)
        self._lock = Lock()

    def add(self, value: float) -> None:
        """Add a value."""
        with self._lock:
            self._values.append(value)

    def percentiles(self) -> dict[str, float] | None:
        """Return p50, p95, p99 and the maximum; None before the first value.

        >>> window = Window()
        >>> for value in range(1, 11):
        ...     window.add(value)
        >>> {name: round(value, 2) for name, value in window.percentiles().items()}
        {'p50': 5.5, 'p95': 9.55, 'p99': 9.91, 'max': 10.0}
        """
        with self._lock:
            values = list(self._values)
        return percentiles(values)


class Rate:
    """Events per second over the last seconds."""

    def __init__(self, span_s: float = 5.0, clock: Callable[[], float] = time.perf_counter) -> None:
        self._span_s = span_s
        self._clock = clock
        self._times: deque[float] = deque(maxlen=2048)
        self._lock = Lock()
        self._last_s = -math.inf

    def tick(self) -> None:
        """Count an event."""
        with self._lock:
            self._last_s = self._clock()
            self._times.append(self._last_s)

    def hz(self) -> float:
        """Return the rate; it falls while nothing happens, and is 0 after the span."""
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
    """The recent statistics of one camera."""

    def __init__(self) -> None:
        self.received = Rate()
        self.published = Rate()
        self.lost = 0
        self.missed: int | None = None
        """Images that were sent and never seen; None where the middleware does not number them."""
        self.age_ms: float | None = None
        self.route = ""
        self.reason = ""
        self.illumination: float | None = None
        self.left_out = ""
        self.withheld: float | None = None
        self.novelty: Novelty | None = None
        self.health: Health | None = None
        self._fault = ""
        self._fault_s = -math.inf

    def miss(self, count: int | None) -> None:
        """Count images that were never seen; None where unknown."""
        if count is not None:
            self.missed = (self.missed or 0) + count

    def reject(self, fault: str) -> None:
        """Record why an image was rejected."""
        self._fault, self._fault_s = fault, time.perf_counter()

    def fault(self, within_s: float) -> str:
        """Return why an image was rejected recently; empty where none was."""
        return self._fault if time.perf_counter() - self._fault_s < within_s else ""


class NodeStatistics:
    """The recent statistics of the worker, over all cameras."""

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
        self._ended_s = 0.0

    def start_frame(self) -> float:
        """Note that the worker took a frame; the returned time identifies it."""
        with self._lock:
            self._started_s = self._clock()
            return self._started_s

    def end_frame(
        self, times_ms: Mapping[str, float] | None, allowed_ms: float, frame_s: float | None = None
    ) -> None:
        """Note that the worker finished a frame; `times_ms` is None where none was published.

        A frame whose time `frame_s` is not the current one was abandoned, and does not count.
        """
        with self._lock:
            if frame_s is not None and frame_s != self._started_s:
                return
            started_s, self._started_s = self._started_s, None
            if times_ms is None or started_s is None:
                return
            self._ended_s = self._clock()
            self._last_ms = (self._ended_s - started_s) * 1e3
            if self._last_ms <= allowed_ms:
                self._late_since_s = None
            elif self._late_since_s is None:
                self._late_since_s = started_s
        for stage, value in times_ms.items():
            self.stages[stage].add(value)

    def abandon_frame(self) -> None:
        """Forget the current frame: it will never end."""
        with self._lock:
            self._started_s = None

    def forget_frames(self) -> None:
        """Forget how long frames took: no more arrive, and the next ones start afresh."""
        with self._lock:
            self._started_s = self._last_ms = self._late_since_s = None

    def processing(self, allowed_ms: float) -> tuple[float | None, float]:
        """Return the time of the latest frame and for how long frames have been too slow, in ms.

        The current frame counts as soon as it is late, so a hanging engine is reported while it
        hangs. Without a current frame, nothing becomes later.
        """
        with self._lock:
            latest, late_since_s, until_s = self._last_ms, self._late_since_s, self._ended_s
            started_s, now = self._started_s, self._clock()
            if started_s is not None and (now - started_s) * 1e3 > allowed_ms:
                latest, until_s = (now - started_s) * 1e3, now
                late_since_s = started_s if late_since_s is None else late_since_s
            return latest, 0.0 if late_since_s is None else (until_s - late_since_s) * 1e3
