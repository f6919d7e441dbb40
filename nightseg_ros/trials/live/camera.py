# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The outside of a measurement: cameras that also receive what the node publishes.

One clock stamps the images and reads the arrival of their masks, so latencies are exact whatever
the clock. Messages go out as the bytes that they are, masks are read for their stamp only: what is
measured is the node, not this.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Float32

from nightseg_ros.bags.cdr_images import stamp_of, with_stamp
from nightseg_ros.metrics.live import RunRecord
from nightseg_ros.ros.qos import newest_only
from nightseg_ros.ros.segmentation_node import NAME
from nightseg_ros.ros.statistics import STAGES

if TYPE_CHECKING:
    from nightseg_ros.trials.live.film import Played

ACCOUNT = ("received", "published", "dropped", "rejected", "in_flight")


class LiveCameras(Node):
    """Publishes on the topics of all cameras, each frame when it is due, stamped with that time."""

    def __init__(
        self,
        cameras: Sequence[str],
        *,
        compressed: bool = False,
        stages: bool = False,
        on_mask: Callable[[int, bytes], None] | None = None,
    ) -> None:
        """`cameras` are the names that the node has for them; `on_mask` gets what it publishes."""
        super().__init__("live_cameras")
        self.record = RunRecord()
        self.status: dict[str, dict[str, str]] = {}
        """The latest diagnostics: task -> key -> value."""
        self.reports = 0
        self.stages_ms: dict[str, list[float]] = {stage: [] for stage in STAGES}
        self._on_mask_bytes = on_mask
        kind, tail = (CompressedImage, "/compressed") if compressed else (Image, "")
        self._images: list[Any] = []
        for index, camera in enumerate(cameras):
            topic = f"{image_topic(camera)}{tail}"
            self._images.append(self.create_publisher(kind, topic, newest_only("reliable")))
            mask = f"/{NAME}/{camera}/mask".replace("//", "/")
            profile = QoSProfile(depth=10)
            self.create_subscription(Image, mask, self._taker(index), profile, raw=True)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 50)
        if stages:  # ten messages for each frame, which the node has to send
            for camera, (stage, values) in product(cameras, self.stages_ms.items()):
                topic = f"/{NAME}/{camera}/debug/{stage}_ms".replace("//", "/")
                self.create_subscription(Float32, topic, _appender(values), 100)

    @property
    def connected(self) -> bool:
        """Whether the node subscribes to all cameras."""
        return all(publisher.get_subscription_count() for publisher in self._images)

    def account(self) -> dict[str, int]:
        """Return the node's latest account of the frames of all cameras."""
        inputs = [values for task, values in self.status.items() if task.startswith("input")]
        return {key: sum(int(values.get(key, 0)) for values in inputs) for key in ACCOUNT}

    def begin(self) -> RunRecord:
        """Note what comes from now on in a record of its own."""
        self.record = RunRecord()
        for values in self.stages_ms.values():
            values.clear()
        return self.record

    def play(self, frames: Iterable[Played], stop: threading.Event) -> None:
        """Publish all frames; for a thread of its own."""
        sent, clock = self.record.sent, self.get_clock()
        start_s: float | None = None
        for frame in frames:
            start_s = time.perf_counter() - frame.due_s if start_s is None else start_s
            due_s = start_s + frame.due_s
            if stop.wait(max(0.0, due_s - time.perf_counter())):
                return
            late_ms = (time.perf_counter() - due_s) * 1e3
            stamp_ns = clock.now().nanoseconds
            sent[frame.camera, stamp_ns] = late_ms
            self._images[frame.camera].publish(with_stamp(frame.data, stamp_ns))

    def _taker(self, camera: int) -> Callable[[bytes], None]:
        def take(mask: bytes) -> None:
            self.record.arrived[camera, stamp_of(mask)] = self.get_clock().now().nanoseconds
            if self._on_mask_bytes is not None:
                self._on_mask_bytes(camera, mask)

        return take

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            node, _, task = status.name.partition(": ")
            if node == NAME:
                self.status[task] = {value.key: value.value for value in status.values}
                self.reports += task.startswith("input")


def image_topic(camera: str) -> str:
    """Return where the images of a camera go; the one without a name has a usual topic.

    >>> image_topic("left"), image_topic("")
    ('/left/image', '/camera/image')
    """
    return f"/{camera or 'camera'}/image"


def _appender(values: list[float]) -> Callable[[Float32], None]:
    return lambda message: values.append(message.data)
