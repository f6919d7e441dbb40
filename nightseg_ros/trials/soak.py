# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plays a drive into a real graph for hours, to all cameras at once, and keeps only figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image

from nightseg_ros.perception.image_messages import fill_image
from nightseg_ros.trials.live.film import at_rate
from nightseg_ros.trials.live.graph import LiveGraph
from nightseg_ros.trials.process_usage import usage
from nightseg_ros.trials.soak_figures import Sample, SoakRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAIN_S = 1.0
SAMPLES = 2000
"""The most samples of a run."""
LOST_NS = 10 * 10**9
"""A frame without a mask after this time will have none."""


@dataclass(frozen=True)
class SoakPlan:
    """How long, for how many cameras, at what rate each."""

    seconds: float
    cameras: int
    hz: float
    parameters: Mapping[str, object]


def soak(
    frames: Sequence[bytes], plan: SoakPlan, on_second: Callable[[float], None] = lambda _: None
) -> SoakRecord:
    """Play serialised images again and again; `on_second` is called with the seconds passed.

    A run that is interrupted counts up to there.
    """
    cameras = [f"camera_{index}" for index in range(plan.cameras)] if plan.cameras > 1 else [""]
    record = SoakRecord()
    with LiveGraph(plan.parameters, cameras) as graph:
        watch = _Watch(graph, record, plan)

        def progress(sent: int) -> None:
            if watch.look(sent):
                on_second(watch.elapsed_s)

        played = at_rate(frames, plan.hz, plan.seconds, plan.cameras)
        try:
            record.account = graph.run(played, progress).account
            record.seconds = plan.seconds
        except KeyboardInterrupt:
            record.seconds = watch.elapsed_s
        watch.drain(lost_ns=0)
    return record


def serialised(images: Iterable[NDArray[np.uint8]]) -> list[bytes]:
    """Return bgr images as the bytes that a camera publishes."""
    messages = []
    for image in images:
        message = fill_image(Image(), image, "bgr8")
        message.header.frame_id = "camera_optical"
        messages.append(bytes(serialize_message(message)))
    return messages


class _Watch:
    """Takes finished frames out of the graph's record, so that it does not grow for hours."""

    def __init__(self, graph: LiveGraph, record: SoakRecord, plan: SoakPlan) -> None:
        self._graph, self._record = graph, record
        self._every_s = max(DRAIN_S, plan.seconds / SAMPLES)
        self._start_s = self._drained_s = self._sampled_s = time.monotonic()
        self._start_ns = graph.node.get_clock().now().nanoseconds

    @property
    def elapsed_s(self) -> float:
        """Since the start."""
        return time.monotonic() - self._start_s

    def look(self, _: int) -> bool:
        """Drain and sample when it is time."""
        now_s = time.monotonic()
        if now_s - self._drained_s < DRAIN_S:
            return False
        self._drained_s = now_s
        self.drain(LOST_NS)
        if now_s - self._sampled_s >= self._every_s:
            self._sampled_s = now_s
            held = usage(self._graph.process.pid)
            self._record.samples.append(Sample(self.elapsed_s, self._record.sent, *held))
        return True

    def drain(self, lost_ns: int) -> None:
        """Move finished frames over; the player puts new ones in meanwhile."""
        live, now_ns = self._graph.node.record, self._graph.node.get_clock().now().nanoseconds
        for key in list(live.sent):
            arrived_ns = live.arrived.pop(key, None)
            if arrived_ns is not None:
                self._record.answered_s.append((key[1] - self._start_ns) * 1e-9)
                self._record.latency_ms.append((arrived_ns - key[1]) * 1e-6)
            elif now_ns - key[1] < lost_ns:
                continue
            live.sent.pop(key, None)
            self._record.sent += 1
        if len(live.arrived) > 1000:  # of frames that were given up before
            live.arrived.clear()
