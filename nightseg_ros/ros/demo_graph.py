# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The graph of the demo, seen from its player and recorder: images go out, answers come back."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from rclpy.time import Time
from sensor_msgs.msg import Image
from std_msgs.msg import Float32, String

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import LabelSet
from nightseg_ros.perception.image_messages import decode_image, mask_pixels
from nightseg_ros.ros.demo_processes import IMAGE, NODES, check_alive
from nightseg_ros.ros.qos import latched, newest_only
from nightseg_ros.ros.statistics import STAGES

SOURCE = "/segmentation_node"
READY_S, SETTLE_S = 90.0, 3.0


class Sink(Protocol):
    """Who takes in what comes back; frames are known by their place in the drive."""

    labels: LabelSet
    status: dict[str, dict[str, str]]

    def sent(self, index: int, at_s: float) -> None:
        """Note that a frame went out."""

    def mask(self, index: int, mask: NDArray[np.uint8], latency_ms: float) -> None:
        """Take a mask of ids."""

    def overlay(self, index: int, overlay_bgr: NDArray[np.uint8]) -> None:
        """Take an overlay."""

    def route(self, index: int, route: str) -> None:
        """Take the route of a frame."""

    def illumination(self, index: int, illumination: float) -> None:
        """Take the illumination of a frame."""

    def stage(self, name: str, ms: float) -> None:
        """Take the duration of a stage."""


class PlayerAndRecorder(Node):
    """Publishes the images at their rate, stamped with the present, and hands on the answers."""

    def __init__(self, images: Sequence[Path], fps: float, sink: Sink) -> None:
        super().__init__("demo_player")
        self._paths, self._period_s, self._sink = images, 1.0 / fps, sink
        self._index_of: dict[int, int] = {}
        # Route and illumination carry no stamp: they belong to the mask that came with them.
        self._masks: list[tuple[float, int]] = []
        self._routes: list[tuple[float, str]] = []
        self._levels: list[tuple[float, float]] = []
        self.labelled = False
        self.answered: set[int] = set()
        self.drawn: set[int] = set()
        self._images = self.create_publisher(Image, IMAGE, newest_only("reliable"))
        many = QoSProfile(depth=50)
        for kind, topic, callback, profile in (
            (Image, f"{SOURCE}/mask", self._on_mask, many),
            (Image, "/overlay_node/overlay", self._on_overlay, many),
            (String, f"{SOURCE}/route", self._on_route, many),
            (Float32, f"{SOURCE}/illumination", self._on_illumination, many),
            (String, f"{SOURCE}/labels", self._on_labels, latched()),
            (DiagnosticArray, "/diagnostics", self._on_diagnostics, many),
            *(
                (Float32, f"{SOURCE}/debug/{stage}_ms", self._taker(stage), many)
                for stage in STAGES
            ),
        ):
            self.create_subscription(kind, topic, callback, profile)

    @property
    def ready(self) -> bool:
        """Both nodes take images, and the meaning of the ids is known."""
        return self.labelled and self._images.get_subscription_count() >= len(NODES)

    def play(self, stop: threading.Event) -> None:
        """Publish all images; for a thread of its own."""
        message = Image(encoding="bgr8")
        message.header.frame_id = "camera_optical"
        start_s = due_s = time.perf_counter()
        for index, path in enumerate(self._paths):
            pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if pixels is None:
                self.get_logger().error(f"cannot read {path}")
                continue
            height, width = pixels.shape[:2]
            message.height, message.width, message.step = height, width, 3 * width
            message.data = array("B", pixels.tobytes())
            if stop.wait(max(0.0, due_s - time.perf_counter())):
                return
            stamp = self.get_clock().now()
            message.header.stamp = stamp.to_msg()
            self._index_of[stamp.nanoseconds] = index
            self._sink.sent(index, time.perf_counter() - start_s)
            self._images.publish(message)
            due_s += self._period_s

    def _frame_of(self, message: Any) -> int | None:
        return self._index_of.get(Time.from_msg(message.header.stamp).nanoseconds)

    def _on_mask(self, message: Image) -> None:
        arrived = self.get_clock().now().nanoseconds
        index = self._frame_of(message)
        if index is None:
            return
        latency_ms = (arrived - Time.from_msg(message.header.stamp).nanoseconds) * 1e-6
        self._sink.mask(index, mask_pixels(message).copy(), latency_ms)
        self.answered.add(index)
        self._masks.append((time.perf_counter(), index))

    def _on_overlay(self, message: Image) -> None:
        index = self._frame_of(message)
        if index is not None:
            self._sink.overlay(index, decode_image(message).pixels.copy())
            self.drawn.add(index)

    def _on_route(self, message: String) -> None:
        self._routes.append((time.perf_counter(), message.data))

    def _on_illumination(self, message: Float32) -> None:
        self._levels.append((time.perf_counter(), message.data))

    def pair(self) -> None:
        """Hand on routes and illuminations, each with the frame whose mask came nearest to it."""
        times = np.array([at for at, _ in self._masks])
        if not len(times):
            return

        def nearest(at: float) -> int:
            return self._masks[int(np.abs(times - at).argmin())][1]

        for at, route in self._routes:
            self._sink.route(nearest(at), route)
        for at, level in self._levels:
            self._sink.illumination(nearest(at), level)

    def _on_labels(self, message: String) -> None:
        self._sink.labels = LabelSet.from_dict(json.loads(message.data))
        self.labelled = True

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            node, _, task = status.name.partition(": ")
            if node.endswith(SOURCE.strip("/")):
                self._sink.status[task] = {value.key: value.value for value in status.values}

    def _taker(self, stage: str) -> Callable[[Float32], None]:
        return lambda message: self._sink.stage(stage, message.data)


def drive(
    images: Sequence[Path],
    fps: float,
    sink: Sink,
    processes: Mapping[str, subprocess.Popen[bytes]],
    logs: Path,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Play the images into the graph and hand what comes back to `sink`."""
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    executor, stop = SingleThreadedExecutor(), threading.Event()
    node = PlayerAndRecorder(images, fps, sink)
    executor.add_node(node)
    player = threading.Thread(target=node.play, args=(stop,), daemon=True)

    def spin(until: Callable[[], bool], limit_s: float) -> bool:
        end_s = time.perf_counter() + limit_s
        while not until():
            executor.spin_once(timeout_sec=0.1)
            on_progress(len(node.answered))
            check_alive(processes, logs)
            if time.perf_counter() > end_s:
                return False
        return True

    try:
        if not spin(lambda: node.ready, READY_S):
            raise NightsegError(f"the nodes did not get ready in {READY_S:.0f} s; see {logs}")
        player.start()
        spin(lambda: not player.is_alive(), 60.0 + 2 * len(images) / fps)
        last = len(images) - 1
        spin(lambda: last in node.answered and last in node.drawn, SETTLE_S)
        # What belongs to the last mask, and one more round of diagnostics.
        spin(lambda: False, 1.2)
        node.pair()
    finally:
        stop.set()
        if player.is_alive():
            player.join()
        executor.remove_node(node)
        node.destroy_node()
        rclpy.try_shutdown()
