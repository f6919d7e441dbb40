# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What one camera's frames become on the wire; only what somebody listens to is made."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Float32, String

from nightseg_ros.labels import LabelSet
from nightseg_ros.perception.image_messages import fill_png
from nightseg_ros.perception.overlay import colorize
from nightseg_ros.perception.pipeline import FrameResult
from nightseg_ros.ros.camera_info import scaled
from nightseg_ros.ros.qos import Notice, create_publisher, newest_only

Pixels = NDArray[np.uint8]

OUTPUTS: dict[str, type[Any]] = {
    "mask": Image,
    "confidence": Image,
    "camera_info": CameraInfo,
    "route": String,
    "illumination": Float32,
    "color_mask": Image,
    "mask/compressed": CompressedImage,
}
"""Topics below ~/ or ~/CAMERA/, in the order in which they are published."""


class ReusedImage:
    """An Image message whose pixels are written in place, frame after frame.

    Writing through a view of the message's own array saves a copy, and assigning anything else
    than an `array.array` would be checked value by value in Python.
    """

    def __init__(self, encoding: str, channels: int) -> None:
        self.message = Image(encoding=encoding)
        self._channels = channels
        self._pixels: Pixels = np.zeros((0, 0), np.uint8)

    def pixels(self, height: int, width: int) -> Pixels:
        """Return the (height, width) or (height, width, channels) pixels of the message."""
        shape = (height, width) if self._channels == 1 else (height, width, self._channels)
        if self._pixels.shape != shape:
            data = array("B", bytes(height * width * self._channels))
            self.message.height, self.message.width = height, width
            self.message.step = width * self._channels
            self.message.data = data
            # Not of `data`: some versions of rclpy keep what they are given, others a copy.
            self._pixels = np.frombuffer(self.message.data, np.uint8).reshape(shape)
        return self._pixels


class Canvas:
    """The messages that one worker fills for one camera.

    A worker that was left behind in a hung engine may still write into its own, so the next worker
    has others.
    """

    def __init__(self) -> None:
        self.source_hw = (0, 0)
        self.mask = ReusedImage("mono8", 1)
        self.confidence = ReusedImage("mono8", 1)
        self.color = ReusedImage("rgb8", 3)


class CameraOutputs:
    """The publishers of one camera. Made and destroyed by the executor, used by the worker."""

    def __init__(
        self,
        node: LifecycleNode,
        camera: str,
        labels: LabelSet,
        *,
        reliability: str,
        full_size: bool,
        notice: Notice,
        on_match: Callable[[], None],
    ) -> None:
        prefix = f"~/{camera}/" if camera else "~/"
        self._node = node
        self._publishers = {
            topic: create_publisher(
                node, kind, prefix + topic, newest_only(reliability), notice, on_match
            )
            for topic, kind in OUTPUTS.items()
        }
        self._palette = labels.palette()
        self.full_size = full_size

    def watched(self) -> set[str]:
        """Return the topics that somebody listens to."""
        return {
            topic
            for topic, publisher in self._publishers.items()
            if publisher.get_subscription_count() > 0
        }

    def buffers(
        self, canvas: Canvas, height: int, width: int
    ) -> tuple[Pixels | None, Pixels | None]:
        """Return where mask and confidence of a frame of this size are to be written, if known.

        The network's own size is known only when the route is, so those masks are copied instead;
        they are small.
        """
        canvas.source_hw = (height, width)
        if not self.full_size:
            return None, None
        return canvas.mask.pixels(height, width), canvas.confidence.pixels(height, width)

    def publish_mask(
        self, canvas: Canvas, header: Any, result: FrameResult, wanted: set[str]
    ) -> Pixels:
        """Publish the mask, which others wait for; return it as it was published."""
        mask = self._placed(result.mask, canvas.mask)
        if "mask" in wanted:
            self._send("mask", canvas.mask.message, header)
        return mask

    def publish_rest(
        self,
        canvas: Canvas,
        header: Any,
        result: FrameResult,
        mask: Pixels,
        wanted: set[str],
        info: CameraInfo | None,
    ) -> None:
        """Publish what else is wanted of a frame whose mask is out."""
        if "confidence" in wanted and result.confidence is not None:
            self._placed(result.confidence, canvas.confidence)
            self._send("confidence", canvas.confidence.message, header)
        if "camera_info" in wanted and info is not None:
            size = (mask.shape[0], mask.shape[1])
            self._send("camera_info", scaled(info, canvas.source_hw, size), header)
        if "route" in wanted:
            self._publishers["route"].publish(String(data=result.route))
        if "illumination" in wanted:
            self._publishers["illumination"].publish(Float32(data=result.illumination))
        if "color_mask" in wanted:
            colorize(mask, self._palette, out=canvas.color.pixels(*mask.shape))
            self._send("color_mask", canvas.color.message, header)
        if "mask/compressed" in wanted:
            self._send("mask/compressed", fill_png(CompressedImage(), mask), header)

    def destroy(self) -> None:
        """Take the topics off the graph."""
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)

    def _send(self, topic: str, message: Any, header: Any) -> None:
        message.header = header
        self._publishers[topic].publish(message)

    def _placed(self, pixels: Pixels, message: ReusedImage) -> Pixels:
        """Return `pixels` after seeing to it that they lie in the message."""
        if not self.full_size:
            message.pixels(pixels.shape[0], pixels.shape[1])[:] = pixels
        return pixels
