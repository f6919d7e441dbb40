# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The subscriptions of one camera: the executor's side, which only looks at stamps and stores."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from nightseg_ros.ros.complaints import Complaints
from nightseg_ros.ros.mailbox import Mailbox, Outcome
from nightseg_ros.ros.qos import Notice, create_subscription, newest_only
from nightseg_ros.ros.stamps import StampOrder
from nightseg_ros.ros.statistics import CameraStatistics


@dataclass(frozen=True)
class Letter:
    """A frame on its way to the worker; `received_s` is of perf_counter."""

    message: Any
    received_s: float


def title(camera: str) -> str:
    """Return how messages to people name a camera."""
    return f"camera '{camera}'" if camera else "camera"


class CameraInput:
    """Takes the images of one camera into the mailbox while `listen` says so."""

    def __init__(
        self,
        node: Node,
        camera: str,
        *,
        compressed: bool,
        mailbox: Mailbox[Letter],
        statistics: CameraStatistics,
        complaints: Complaints,
        notice: Notice,
    ) -> None:
        base = f"{camera}/" if camera else ""
        self.topic = base + ("image/compressed" if compressed else "image")
        self.resolved_topic = node.resolve_topic_name(self.topic)
        self.profile = newest_only()
        self.info: CameraInfo | None = None
        self.since_s = 0.0
        """Since when the images are subscribed, by perf_counter."""
        self._info_topic = base + "camera_info"
        self._type = CompressedImage if compressed else Image
        self.type_name = f"sensor_msgs/msg/{self._type.__name__}"
        self._node, self._camera = node, camera
        self._mailbox, self._statistics = mailbox, statistics
        self._complaints, self._notice = complaints, notice
        self._order = StampOrder()
        self._images: Any = None
        self._infos: Any = None

    @property
    def listening(self) -> bool:
        """Whether the images are subscribed."""
        return self._images is not None

    def listen(self, images: bool, info: bool) -> None:
        """Subscribe and unsubscribe until it is as asked; without calibration none is kept."""
        if images and self._images is None:
            self.since_s = time.perf_counter()
            self._order.reset()
            self._images = create_subscription(
                self._node,
                self._type,
                self.topic,
                self._on_image,
                self.profile,
                self._notice,
                self._on_lost,
            )
        elif not images and self._images is not None:
            self._node.destroy_subscription(self._images)
            self._images = None
        if info and self._infos is None:
            self._infos = create_subscription(
                self._node,
                CameraInfo,
                self._info_topic,
                self._on_info,
                newest_only(),
                self._notice,
            )
        elif not info and self._infos is not None:
            self._node.destroy_subscription(self._infos)
            self._infos = self.info = None

    def forget_order(self) -> None:
        """Take whatever stamp comes next: time went back."""
        self._order.reset()

    def _on_image(self, message: Any) -> None:
        received_s = time.perf_counter()
        self._statistics.received.tick()
        stamp = message.header.stamp
        fault = self._order.refuse(stamp.sec, stamp.nanosec)
        if fault:
            self._mailbox.refuse(self._camera, Outcome.BAD_STAMP)
            self._statistics.reject(fault)
            self._complaints(title(self._camera), f"image on {self.resolved_topic}: {fault}")
        else:
            self._mailbox.put(self._camera, Letter(message, received_s))

    def _on_lost(self, count: int) -> None:
        self._statistics.lost += count
        self._complaints(
            title(self._camera),
            f"the middleware lost images of {self.resolved_topic} ({count} just now); "
            "see 'DDS settings' in the README",
        )

    def _on_info(self, info: CameraInfo) -> None:
        self.info = info
