# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes what a replay found as a bag that plays together with the recording it came from.

The topics have the names that the nodes give them, the messages the stamps of the images.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, final

import cv2
import numpy as np

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bags.frames import BagFrame, camera_name
from nightseg_ros.labels import LabelSet
from nightseg_ros.perception.overlay import blend, classes_in_view, draw_legend
from nightseg_ros.perception.pipeline import FrameResult, Image
from nightseg_ros.perception.status import Report, frame_time_report, route_report
from nightseg_ros.whole_bag import WholeBag

ALPHA = 0.55
JPEG_QUALITY = 90
DIAGNOSTICS = "/diagnostics"
BACKEND_EVERY_NS = 10**9
"""What the node says once a second and frames do not change: here, in the time of the bag."""


@final
class ResultBag(WholeBag):
    """One file; it appears under its name when all is in it."""

    def __init__(
        self,
        path: Path,
        cameras: Sequence[str],
        labels: LabelSet,
        route: str,
        backend: Report | None = None,
    ) -> None:
        """Start the file; `route` is what was asked for, `backend` says what runs the models."""
        # A sqlite3 file is written by the thread that opened it only; here another one writes.
        if path.suffix != ".mcap":
            raise NightsegError(f"--write {path} needs the ending .mcap")
        if path.exists():
            raise NightsegError(f"--write {path} is there already; name another file or remove it")
        super().__init__(path)
        self._labels = labels
        self._palette = np.ascontiguousarray(labels.palette()[:, ::-1])
        self._route, self._backend, self._backend_due_ns = route, backend, 0
        self._names = {
            camera: camera_name(camera) if len(cameras) > 1 else "" for camera in cameras
        }
        self._topics: dict[tuple[str, str], Any] = {}
        self._diagnostics = self._topic(DIAGNOSTICS, "diagnostic_msgs/msg/DiagnosticArray")
        for camera, name in self._names.items():
            part = f"{name}/" if name else ""
            for what, topic, kind in (
                ("mask", f"/segmentation_node/{part}mask", "sensor_msgs/msg/Image"),
                ("route", f"/segmentation_node/{part}route", "std_msgs/msg/String"),
                (
                    "overlay",
                    f"/overlay_node/{part}overlay/compressed",
                    "sensor_msgs/msg/CompressedImage",
                ),
            ):
                self._topics[camera, what] = self._topic(topic, kind)

    def write(self, frame: BagFrame, result: FrameResult) -> None:
        """Append the messages of one frame."""
        header = self._header(frame.stamp_ns, frame.frame_id)
        height, width = result.mask.shape
        mask = self._message(
            "sensor_msgs/msg/Image",
            header=header,
            height=height,
            width=width,
            encoding="mono8",
            is_bigendian=0,
            step=width,
            data=np.ascontiguousarray(result.mask).ravel(),
        )
        good, jpeg = cv2.imencode(
            ".jpg", self._overlay(frame, result), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        )
        if not good:
            raise NightsegError("an overlay could not be encoded as JPEG")
        overlay = self._message(
            "sensor_msgs/msg/CompressedImage",
            header=header,
            format="bgr8; jpeg compressed bgr8",
            data=jpeg.ravel(),
        )
        route = self._message("std_msgs/msg/String", data=result.route)
        for what, message in (("mask", mask), ("route", route), ("overlay", overlay)):
            self._write(self._topics[frame.topic, what], frame.bag_ns, message)
        self._write(
            self._diagnostics, frame.bag_ns, self._array(frame, self._reports(frame, result))
        )

    def _reports(self, frame: BagFrame, result: FrameResult) -> Iterable[Report]:
        name = self._names[frame.topic]
        yield route_report(name, result.route, result.reason, result.illumination, self._route)
        yield frame_time_report(result.times_ms)
        if self._backend is not None and frame.bag_ns >= self._backend_due_ns:
            self._backend_due_ns = frame.bag_ns + BACKEND_EVERY_NS
            yield self._backend

    def _array(self, frame: BagFrame, reports: Iterable[Report]) -> Any:
        """Return reports as the node sends them."""
        return self._message(
            "diagnostic_msgs/msg/DiagnosticArray",
            header=self._header(frame.stamp_ns, ""),
            status=[
                self._message(
                    "diagnostic_msgs/msg/DiagnosticStatus",
                    level=report.level,
                    name=f"segmentation_node: {report.name}",
                    message=report.message,
                    hardware_id=platform.node(),
                    values=[
                        self._message("diagnostic_msgs/msg/KeyValue", key=key, value=value)
                        for key, value in report.values.items()
                    ],
                )
                for report in reports
            ],
        )

    def _overlay(self, frame: BagFrame, result: FrameResult) -> Image:
        assert frame.image is not None
        pixels = frame.image.pixels
        if frame.image.order == "rgb":
            pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8)
        picture = blend(pixels, result.mask, self._palette, ALPHA)
        seen = classes_in_view(result.mask)
        draw_legend(picture, self._labels, seen, result.route, result.times_ms["total"])
        return picture
