# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The subscriptions of one camera; in the executor thread, which checks stamps and stores."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from nightseg_ros.ros.mailbox import Mailbox, Outcome
from nightseg_ros.ros.missed import MESSAGE_INFO, MissedMessages
from nightseg_ros.ros.qos import Notice, create_subscription, full_name, newest_only
from nightseg_ros.ros.stamps import StampOrder
from nightseg_ros.ros.transport import lost_images_remedy

if TYPE_CHECKING:
    from rclpy.node import Node

    from nightseg_ros.ros.logs import ThrottledLog
    from nightseg_ros.ros.statistics import CameraStatistics


@dataclass(frozen=True)
class Frame:
    """An image message and its time of receipt, by perf_counter."""

    message: Any
    received_s: float


def title(camera: str) -> str:
    """Return the name of a camera in log messages."""
    return f"camera '{camera}'" if camera else "camera"


class CameraInput:
    """Puts the images of one camera into the mailbox while it is subscribed, see `listen`."""

    def __init__(
        self,
        node: Node,
        camera: str,
        *,
        compressed: bool,
        mailbox: Mailbox[Frame],
        statistics: CameraStatistics,
        log_error: ThrottledLog,
        notice: Notice,
    ) -> None:
        base = f"{camera}/" if camera else ""
        self.topic = base + ("image/compressed" if compressed else "image")
        self.resolved_topic = full_name(node, self.topic)
        self.profile = newest_only()
        self.info: CameraInfo | None = None
        self.since_s = 0.0
        """When the images were subscribed, by perf_counter."""
        self._info_topic = base + "camera_info"
        self._type = CompressedImage if compressed else Image
        self.type_name = f"sensor_msgs/msg/{self._type.__name__}"
        self._node, self._camera = node, camera
        self._mailbox, self._statistics = mailbox, statistics
        self._log_error, self._notice = log_error, notice
        self._remedy = lost_images_remedy(os.environ)
        self._order = StampOrder()
        self._missed = MissedMessages()
        self._images: Any = None
        self._infos: Any = None

    @property
    def listening(self) -> bool:
        """Whether the images are subscribed."""
        return self._images is not None

    def listen(self, images: bool, info: bool) -> None:
        """Subscribe or unsubscribe images and calibration; unsubscribing drops the calibration."""
        if images and self._images is None:
            self.since_s = time.perf_counter()
            self._order.reset()
            self._missed.reset()
            self._images = create_subscription(
                self._node,
                self._type,
                self.topic,
                self._on_numbered if MESSAGE_INFO else self._on_image,
                self.profile,
                self._notice,
                self._on_lost,
            )
        elif not images and self._images is not None:
            self._node.destroy_subscription(self._images)
            self._images = None
        if info and self._infos is None:
            self._infos = create_subscription(
                self._node, CameraInfo, self._info_topic, self._on_info, newest_only(), self._notice
            )
        elif not info and self._infos is not None:
            self._node.destroy_subscription(self._infos)
            self._infos = self.info = None

    def forget_order(self) -> None:
        """Accept any stamp next: time jumped back."""
        self._order.reset()

    def _on_numbered(self, message: Any, info: Mapping[str, Any]) -> None:
        self._statistics.miss(self._missed.before(info))
        self._on_image(message)

    def _on_image(self, message: Any) -> None:
        received_s = time.perf_counter()
        self._statistics.received.tick()
        stamp = message.header.stamp
        fault = self._order.refuse(stamp.sec, stamp.nanosec)
        if fault:
            self._mailbox.refuse(self._camera, Outcome.BAD_STAMP)
            self._statistics.reject(fault)
            self._log_error(title(self._camera), f"image on {self.resolved_topic}: {fault}")
        else:
            self._mailbox.put(self._camera, Frame(message, received_s))

    def _on_lost(self, count: int) -> None:
        self._statistics.lost += count
        self._log_error(
            title(self._camera),
            f"the middleware dropped images of {self.resolved_topic} ({count} just now); "
            f"{self._remedy}",
        )

    def _on_info(self, info: CameraInfo) -> None:
        self.info = info
