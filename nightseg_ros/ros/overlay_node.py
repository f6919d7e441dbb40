# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The overlay node: masks in colour over their images, drawn only while somebody looks.

A process of its own, best effort on its inputs: whatever happens here, the segmentation node does
not wait for it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import cv2
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Float32, String

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import LabelSet
from nightseg_ros.perception.image_messages import (
    DecodedImage,
    ImageError,
    decode_compressed,
    decode_image,
    mask_pixels,
)
from nightseg_ros.perception.overlay import blend, classes_in_view, colorize, draw_legend
from nightseg_ros.ros.complaints import Complaints
from nightseg_ros.ros.frame_pairs import FramePairs
from nightseg_ros.ros.overlay_settings import OverlaySettings
from nightseg_ros.ros.parameters import Parameters
from nightseg_ros.ros.process import run_node
from nightseg_ros.ros.publishers import ReusedImage
from nightseg_ros.ros.qos import create_subscription, latched, newest_only

NAME = "overlay_node"
LOOK_S = 0.2
"""How often the node looks whether somebody looks."""


class CameraOverlay:
    """The topics of one camera: all inputs exist only while an output has a subscriber."""

    def __init__(
        self, node: Node, camera: str, settings: Callable[[], OverlaySettings], complain: Complaints
    ) -> None:
        self.labels: LabelSet | None = None
        self._node, self._camera = node, camera
        self._settings, self._complain = settings, complain
        self._pairs = FramePairs(self._draw)
        self._inputs: list[Any] = []
        self._route = ""
        self._latency_ms: float | None = None
        self._next_s = 0.0
        prefix = f"~/{camera}/" if camera else "~/"
        reliable = newest_only("reliable")
        self._overlay = node.create_publisher(Image, f"{prefix}overlay", reliable)
        self._color = node.create_publisher(Image, f"{prefix}color_mask", reliable)
        self._overlay_image, self._color_image = ReusedImage("bgr8", 3), ReusedImage("rgb8", 3)

    def attend(self) -> None:
        """Subscribe while somebody listens, and only then."""
        watched = self._overlay.get_subscription_count() + self._color.get_subscription_count()
        if watched and not self._inputs:
            self._subscribe()
        elif not watched and self._inputs:
            for subscription in self._inputs:
                self._node.destroy_subscription(subscription)
            self._inputs = []
            self._pairs.clear()

    def _subscribe(self) -> None:
        settings = self._settings()
        base = f"{self._camera}/" if self._camera else ""
        source = f"{settings.source}/{base}"
        compressed = settings.input_transport == "compressed"
        inputs: list[tuple[Any, str, Callable[[Any], None]]] = [
            (Image, f"{source}mask", self._pairs.mask),
            (String, f"{source}route", self._on_route),
            (Float32, f"{settings.source}/debug/total_ms", self._on_latency),
        ]
        if compressed:
            inputs.append((CompressedImage, f"{base}image/compressed", self._pairs.image))
        else:
            inputs.append((Image, f"{base}image", self._pairs.image))
        self._inputs = [
            create_subscription(self._node, kind, topic, callback, newest_only(), self._complain)
            for kind, topic, callback in inputs
        ]

    def _on_route(self, message: String) -> None:
        self._route = message.data

    def _on_latency(self, message: Float32) -> None:
        self._latency_ms = message.data

    def _draw(self, image: Any, mask: Any) -> None:
        settings, now_s = self._settings(), time.monotonic()
        if self.labels is None or now_s < self._next_s:
            return
        if settings.overlay_rate_hz > 0:
            # From the planned time, so that the limit is met on average; a gap is not caught up.
            period_s = 1.0 / settings.overlay_rate_hz
            planned_s = self._next_s if now_s - self._next_s < period_s else now_s
            self._next_s = planned_s + period_s
        try:
            self._publish(image, mask, self.labels, settings)
        except ImageError as error:
            self._complain(f"overlay of camera '{self._camera}'", str(error))

    def _publish(self, image: Any, mask: Any, labels: LabelSet, settings: OverlaySettings) -> None:
        ids = mask_pixels(mask)
        if self._color.get_subscription_count():
            target = self._color_image.pixels(*ids.shape)
            colorize(ids, labels.palette(), out=target)
            self._color_image.message.header = mask.header
            self._color.publish(self._color_image.message)
        if not self._overlay.get_subscription_count():
            return
        decoded = self._decode(image)
        height, width = decoded.pixels.shape[:2]
        if ids.shape != (height, width):  # masks of the network's size
            ids = cv2.resize(ids, (width, height), interpolation=cv2.INTER_NEAREST)  # type: ignore[assignment]
        palette = labels.palette()
        target = self._overlay_image.pixels(height, width)
        blend(
            decoded.pixels,
            ids,
            palette if decoded.order == "rgb" else palette[:, ::-1],
            settings.alpha,
            out=target,
        )
        if settings.legend:
            seen = classes_in_view(ids)
            draw_legend(target, labels, seen, self._route, self._latency_ms, order=decoded.order)
        message = self._overlay_image.message
        message.header, message.encoding = image.header, f"{decoded.order}8"
        self._overlay.publish(message)

    def _decode(self, image: Any) -> DecodedImage:
        return decode_image(image) if hasattr(image, "encoding") else decode_compressed(image)


class OverlayNode(Node):
    """Draws what a segmentation node sees, for all its cameras."""

    def __init__(self, name: str = NAME) -> None:
        super().__init__(name)
        try:
            parameters = Parameters(self, lambda _: None, lambda _: None, OverlaySettings)
        except NightsegError:
            self.destroy_node()
            raise
        self.parameters = parameters
        settings = parameters.settings
        self._complain = Complaints(self.get_logger().error)
        self.cameras = [
            CameraOverlay(self, camera, lambda: parameters.settings, self._complain)
            for camera in settings.camera_names
        ]
        # Latched and tiny: always subscribed, so that the first picture need not wait for it.
        topic = f"{settings.source}/labels"
        create_subscription(self, String, topic, self._on_labels, latched(), self._complain)
        self.create_timer(LOOK_S, self._attend, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _attend(self) -> None:
        for camera in self.cameras:
            camera.attend()

    def _on_labels(self, message: String) -> None:
        try:
            labels = LabelSet.from_dict(json.loads(message.data))
        except (ValueError, TypeError, NightsegError) as error:
            self._complain("labels", str(error))
            return
        for camera in self.cameras:
            camera.labels = labels


def main(argv: Sequence[str] | None = None) -> int:
    """Run the node; the exit code of the executable."""
    return run_node(OverlayNode, argv, description="Draw masks over the images of cameras.")


if __name__ == "__main__":
    sys.exit(main())
