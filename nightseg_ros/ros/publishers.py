# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The output topics of one camera; an output is computed only if it has a subscriber."""

from __future__ import annotations

import copy
from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import Float32, String

from nightseg_ros.perception.camera_health import Health
from nightseg_ros.perception.image_messages import fill_png
from nightseg_ros.perception.overlay import colorize
from nightseg_ros.ros.points import Cloud
from nightseg_ros.ros.qos import Notice, create_publisher, newest_only

if TYPE_CHECKING:
    from rclpy.lifecycle import LifecycleNode

    from nightseg_ros.labels.label_set import LabelSet
    from nightseg_ros.perception.frame_result import FrameResult
    from nightseg_ros.perception.image_messages import DecodedImage
    from nightseg_ros.ros.points import PointsOutput


Pixels = NDArray[np.uint8]

OUTPUTS: dict[str, type[Any]] = {
    "mask": Image,
    "confidence": Image,
    "points": PointCloud2,
    "camera_info": CameraInfo,
    "route": String,
    "illumination": Float32,
    "color_mask": Image,
    "visibility": Float32,
    "invalid_mask": Image,
    "mask/compressed": CompressedImage,
}
"""Topics below ~/ or ~/CAMERA/, in the order in which they are published."""


def own_prefix(camera: str) -> str:
    """Return the prefix of a node's own topics of a camera.

    >>> own_prefix("front"), own_prefix("")
    ('~/front/', '~/')
    """
    return f"~/{camera}/" if camera else "~/"


class ReusedImage:
    """An Image message whose pixels are written in place, frame after frame.

    Writing through a view of the message's own array saves a copy. rclpy checks anything but an
    `array.array` value by value in Python.
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
            # Not from `data`: some versions of rclpy keep the array itself, others a copy.
            self._pixels = np.frombuffer(self.message.data, np.uint8).reshape(shape)
        return self._pixels


class Canvas:
    """The messages that one worker fills for one camera.

    An abandoned worker with a hung engine may still write into its canvas, so the next worker gets
    another.
    """

    def __init__(self) -> None:
        self.source_hw = (0, 0)
        self.mask = ReusedImage("mono8", 1)
        self.confidence = ReusedImage("mono8", 1)
        self.color = ReusedImage("rgb8", 3)
        self.invalid = ReusedImage("mono8", 1)
        self.image: DecodedImage | None = None
        """The frame, until the camera was watched by it."""
        self.health = Health()
        self.cloud = Cloud()


class CameraOutputs:
    """The publishers of one camera. Made and destroyed by the executor, used by the worker."""

    def __init__(
        self,
        node: LifecycleNode,
        camera: str,
        labels: LabelSet,
        points: PointsOutput,
        *,
        reliability: str,
        full_size: bool,
        notice: Notice,
        on_match: Callable[[], None],
    ) -> None:
        prefix = own_prefix(camera)
        self._node = node
        self._publishers = {
            topic: create_publisher(
                node, kind, prefix + topic, newest_only(reliability), notice, on_match
            )
            for topic, kind in OUTPUTS.items()
        }
        self.mask_topic: str = self._publishers["mask"].topic_name
        self._palette, self._points = labels.palette(), points
        self.full_size = full_size

    def watched(self) -> set[str]:
        """Return the topics that have a subscriber."""
        return {
            topic
            for topic, publisher in self._publishers.items()
            if publisher.get_subscription_count() > 0
        }

    def buffers(
        self, canvas: Canvas, height: int, width: int
    ) -> tuple[Pixels | None, Pixels | None]:
        """Return the buffers for mask and confidence of a frame of this size, if known.

        The network's own size is known only after routing, so those small masks are copied.
        """
        canvas.source_hw = (height, width)
        if not self.full_size:
            return None, None
        return canvas.mask.pixels(height, width), canvas.confidence.pixels(height, width)

    def publish_mask(
        self, canvas: Canvas, header: Any, result: FrameResult, wanted: set[str]
    ) -> Pixels:
        """Publish the mask first, since consumers wait for it; return it as published."""
        mask = self._placed(result.mask, canvas.mask)
        if "mask" in wanted:
            self._send("mask", canvas.mask.message, header)
        return mask

    def publish(
        self,
        topic: str,
        canvas: Canvas,
        header: Any,
        result: FrameResult,
        mask: Pixels,
        info: CameraInfo | None,
    ) -> None:
        """Publish another output of a frame after its mask, if the output exists."""
        if topic == "confidence" and result.confidence is not None:
            self._placed(result.confidence, canvas.confidence)
            self._send(topic, canvas.confidence.message, header)
        elif topic == "points":
            cloud = self._points.fill(canvas.cloud, mask, info, header)
            self._send(topic, cloud, header)
        elif topic == "camera_info" and info is not None:
            size = (mask.shape[0], mask.shape[1])
            self._send(topic, scaled(info, canvas.source_hw, size), header)
        elif topic == "route":
            self._publishers[topic].publish(String(data=result.route))
        elif topic == "illumination":
            self._publishers[topic].publish(Float32(data=result.illumination))
        elif topic == "color_mask":
            colorize(mask, self._palette, out=canvas.color.pixels(*mask.shape))
            self._send(topic, canvas.color.message, header)
        elif topic == "visibility":
            self._publishers[topic].publish(Float32(data=canvas.health.visibility))
        elif topic == "invalid_mask":
            canvas.invalid.pixels(*mask.shape)[:] = canvas.health.invalid_mask(*mask.shape)
            self._send(topic, canvas.invalid.message, header)
        elif topic == "mask/compressed":
            self._send(topic, fill_png(CompressedImage(), mask), header)

    def destroy(self) -> None:
        """Remove the topics from the graph."""
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)

    def _send(self, topic: str, message: Any, header: Any) -> None:
        message.header = header
        self._publishers[topic].publish(message)

    def _placed(self, pixels: Pixels, message: ReusedImage) -> Pixels:
        """Return `pixels` after copying them into the message if they are not there yet."""
        if not self.full_size:
            message.pixels(pixels.shape[0], pixels.shape[1])[:] = pixels
        return pixels


def scaled(info: Any, source_hw: tuple[int, int], target_hw: tuple[int, int]) -> Any:
    """Return a copy of a sensor_msgs/CameraInfo for images resized from source to target size.

    Focal lengths, centres and region of interest scale as image_proc's resize does it; the
    distortion belongs to the lens and stays. A region that exceeds the image is clipped: its
    numbers would not fit into the message.
    """
    info = copy.copy(info)  # its header is about to be replaced
    if source_hw == target_hw:
        return info
    y, x = target_hw[0] / source_hw[0], target_hw[1] / source_hw[1]
    info.height, info.width = target_hw
    info.k = [*(v * x for v in info.k[:3]), *(v * y for v in info.k[3:6]), *info.k[6:]]
    info.p = [*(v * x for v in info.p[:4]), *(v * y for v in info.p[4:8]), *info.p[8:]]
    roi = copy.copy(info.roi)
    height, width = source_hw
    left, top = min(roi.x_offset, width), min(roi.y_offset, height)
    roi.x_offset, roi.width = int(left * x), int(min(roi.width, width - left) * x)
    roi.y_offset, roi.height = int(top * y), int(min(roi.height, height - top) * y)
    info.roi = roi
    return info
