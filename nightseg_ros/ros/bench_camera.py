# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The outside of a measurement: a camera that also takes in all that comes back."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.time import Time
from sensor_msgs.msg import Image
from std_msgs.msg import Float32

from nightseg_ros.ros.qos import newest_only
from nightseg_ros.ros.statistics import STAGES

NODE = "bench_segmentation"
"""The name of the node that is measured."""


@dataclass(frozen=True)
class Plan:
    """What is measured."""

    seconds: float = 20.0
    width: int = 1280
    height: int = 720
    camera_hz: float = 10.0
    engine: str = "auto"
    engine_delay_ms: float = 0.0
    models_dir: str = ""


class Camera(Node):
    """Publishes one image again and again, and takes in what comes back."""

    def __init__(self, plan: Plan) -> None:
        super().__init__("bench_camera")
        self._plan = plan
        self._images = self.create_publisher(Image, "image", newest_only("reliable"))
        self.sent = self.masks = 0
        self.latency_ms: list[float] = []
        self.figures: dict[str, list[float]] = {figure: [] for figure in STAGES}
        self.status: dict[str, dict[str, str]] = {}
        self.create_subscription(Image, f"/{NODE}/mask", self._on_mask, newest_only("reliable"))
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        for figure in STAGES:
            self.create_subscription(
                Float32, f"/{NODE}/debug/{figure}_ms", self._taker(figure), 100
            )

    @property
    def connected(self) -> bool:
        """Whether the node listens."""
        return self._images.get_subscription_count() > 0

    def send(self, stop: threading.Event) -> None:
        """Publish at the rate of the plan until told to stop."""
        height, width = self._plan.height, self._plan.width
        message = Image(height=height, width=width, step=3 * width, encoding="bgr8")
        message.header.frame_id = "bench_optical"
        message.data = array("B", np.random.default_rng(0).bytes(3 * width * height))
        period_s = 1.0 / self._plan.camera_hz
        due_s = time.perf_counter()
        while not stop.wait(max(0.0, due_s - time.perf_counter())):
            message.header.stamp = self.get_clock().now().to_msg()
            self._images.publish(message)
            self.sent += 1
            due_s += period_s

    def _on_mask(self, message: Image) -> None:
        self.masks += 1
        clock = self.get_clock()
        age = clock.now() - Time.from_msg(message.header.stamp, clock.clock_type)
        self.latency_ms.append(age.nanoseconds * 1e-6)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            _, _, task = status.name.partition(": ")
            self.status[task] = {value.key: value.value for value in status.values}

    def _taker(self, figure: str) -> Callable[[Float32], None]:
        return lambda message: self.figures[figure].append(message.data)
