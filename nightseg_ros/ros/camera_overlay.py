# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The overlay of one camera: pairs of image and mask in, pictures out, while somebody looks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Float32, String

from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.image_headers import ImageError
from nightseg_ros.perception.image_messages import decode, mask_pixels
from nightseg_ros.perception.overlay import (
    INK,
    UNSEEN,
    blend,
    classes_in_view,
    colorize,
    draw_legend,
    hatch,
    unsure,
)
from nightseg_ros.ros.cameras import title
from nightseg_ros.ros.frame_pairs import FramePairs
from nightseg_ros.ros.overlay_reports import overlay_report
from nightseg_ros.ros.publishers import Pixels, ReusedImage, own_prefix
from nightseg_ros.ros.qos import create_subscription, newest_only

if TYPE_CHECKING:
    from rclpy.node import Node

    from nightseg_ros.labels.label_set import LabelSet
    from nightseg_ros.perception.status import Report
    from nightseg_ros.ros.logs import ThrottledLog
    from nightseg_ros.ros.overlay_settings import OverlaySettings


class CameraOverlay:
    """The topics of one camera; it subscribes to inputs only while an output has subscribers."""

    def __init__(
        self,
        node: Node,
        camera: str,
        settings: Callable[[], OverlaySettings],
        log_error: ThrottledLog,
    ) -> None:
        self.labels: LabelSet | None = None
        self._node, self._camera = node, camera
        self._settings, self._log_error = settings, log_error
        self._pairs = FramePairs(self._draw)
        # The confidence of a frame is published after its mask; the two go on together.
        self._maps = FramePairs(self._on_maps)
        self._confidence: Any = None
        self._invalid: Any = None
        self._hatching: tuple[bool, bool] = (False, False)
        self._inputs: list[Any] = []
        self._route = ""
        self._latency_ms: float | None = None
        self._planned_s = self._paired_s = float("-inf")
        self._since_s = 0.0
        base = f"{camera}/" if camera else ""
        compressed = settings().input_transport == "compressed"
        self._image_topic = f"{base}image/compressed" if compressed else f"{base}image"
        self._image_type: Any = CompressedImage if compressed else Image
        self._source = f"{settings().source}/{base}"
        prefix = own_prefix(camera)
        reliable = newest_only("reliable")
        self._overlay = node.create_publisher(Image, f"{prefix}overlay", reliable)
        self._color = node.create_publisher(Image, f"{prefix}color_mask", reliable)
        self._overlay_image, self._color_image = ReusedImage("bgr8", 3), ReusedImage("rgb8", 3)

    def update_subscriptions(self) -> None:
        """Subscribe while an output has a subscriber, else unsubscribe."""
        watched = self._overlay.get_subscription_count() + self._color.get_subscription_count()
        if watched and not self._inputs:
            try:
                self._subscribe()
            except NightsegError as error:
                self._unsubscribe()
                self._log_error(title(self._camera), str(error))
        elif self._inputs and (not watched or self._hatching != self._wanted_hatching()):
            self._unsubscribe()

    def _wanted_hatching(self) -> tuple[bool, bool]:
        settings = self._settings()
        watched = self._overlay.get_subscription_count() > 0
        return watched and settings.hatch_below > 0.0, watched and settings.hatch_invalid

    def _unsubscribe(self) -> None:
        for subscription in self._inputs:
            self._node.destroy_subscription(subscription)
        self._inputs = []
        self._pairs.clear()
        self._maps.clear()
        self._confidence = self._invalid = None

    def _subscribe(self) -> None:
        self._since_s = time.monotonic()
        self._hatching = with_confidence, with_invalid = self._wanted_hatching()
        on_mask = self._maps.image if with_confidence else self._pairs.mask
        inputs: list[tuple[Any, str, Callable[[Any], None]]] = [
            (Image, f"{self._source}mask", on_mask),
            (String, f"{self._source}route", self._on_route),
            (Float32, f"{self._source}debug/total_ms", self._on_latency),
            (self._image_type, self._image_topic, self._pairs.image),
        ]
        if with_confidence:
            inputs.append((Image, f"{self._source}confidence", self._maps.mask))
        if with_invalid:
            inputs.append((Image, f"{self._source}invalid_mask", self._on_invalid))
        for kind, topic, callback in inputs:
            self._inputs.append(
                create_subscription(
                    self._node, kind, topic, callback, newest_only(), self._log_error
                )
            )

    def report(self) -> Report:
        """Report whether images and masks arrive, and if not, why."""
        now_s = time.monotonic()
        return overlay_report(
            self._node,
            self._camera,
            images=(self._image_topic, self._image_type),
            masks=f"{self._source}mask",
            silence_s=now_s - max(self._paired_s, self._since_s) if self._inputs else None,
        )

    def _on_maps(self, mask: Any, confidence: Any) -> None:
        self._confidence = confidence
        self._pairs.mask(mask)

    def _on_invalid(self, message: Any) -> None:
        self._invalid = message

    def _on_route(self, message: String) -> None:
        self._route = message.data

    def _on_latency(self, message: Float32) -> None:
        self._latency_ms = message.data

    def _draw(self, image: Any, mask: Any) -> None:
        settings, now_s = self._settings(), time.monotonic()
        self._paired_s = now_s
        period_s = 1.0 / settings.overlay_rate_hz if settings.overlay_rate_hz > 0 else 0.0
        due_s = self._planned_s + period_s
        if self.labels is None or now_s < due_s:
            return
        # From the planned time, so that the limit is reached on average; a gap is not made up for.
        self._planned_s = due_s if now_s - due_s < period_s else now_s
        try:
            self._publish(image, mask, self.labels, settings)
        except ImageError as error:
            self._log_error(f"overlay of camera '{self._camera}'", str(error))

    def _publish(self, image: Any, mask: Any, labels: LabelSet, settings: OverlaySettings) -> None:
        ids = mask_pixels(mask)
        if self._color.get_subscription_count():
            target = self._color_image.pixels(*ids.shape)
            colorize(ids, labels.palette(), out=target)
            self._color_image.message.header = mask.header
            self._color.publish(self._color_image.message)
        if not self._overlay.get_subscription_count():
            return
        decoded = decode(image, int(settings.max_megapixels * 1e6))
        height, width = decoded.pixels.shape[:2]
        ids = _resized(ids, (height, width))
        palette = labels.palette()
        target = self._overlay_image.pixels(height, width)
        blend(
            decoded.pixels,
            ids,
            palette if decoded.order == "rgb" else palette[:, ::-1],
            settings.alpha,
            out=target,
        )
        notes = self._hatch(target, ids, mask.header.stamp, settings)
        if settings.legend:
            seen, ms = classes_in_view(ids), self._latency_ms
            draw_legend(target, labels, seen, self._route, ms, *notes, order=decoded.order)
        message = self._overlay_image.message
        message.header, message.encoding = image.header, f"{decoded.order}8"
        self._overlay.publish(message)

    def _hatch(self, picture: Any, ids: Any, stamp: Any, settings: OverlaySettings) -> list[str]:
        """Hatch what must not be trusted, and return how much of the picture that is."""
        notes = []
        if self._confidence is not None and self._confidence.header.stamp == stamp:
            confidence = _resized(mask_pixels(self._confidence), ids.shape)
            where = unsure(ids, confidence, settings.hatch_below)
            hatch(picture, where, INK)
            notes.append(f"unsure {100 * np.count_nonzero(where) / where.size:.0f} %")
        if self._invalid is not None:
            hidden = _resized(mask_pixels(self._invalid), ids.shape)
            if hidden.any():
                hatch(picture, hidden, UNSEEN, rising=False)
                notes.append(f"hidden {100 * np.count_nonzero(hidden) / hidden.size:.0f} %")
        return notes


def _resized(pixels: Pixels, shape: tuple[int, ...]) -> Pixels:
    """Return a map at the size of an image, where it has the network's size."""
    if pixels.shape == shape:
        return pixels
    size = (shape[1], shape[0])
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
