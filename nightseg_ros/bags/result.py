# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the results of a replay as a bag that can be played with the original recording.

The topics have the names of the nodes' topics, the messages the stamps of the images.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from nightseg_ros.bags.cdr_images import COMPRESSED, IMAGE
from nightseg_ros.bags.frames import BagFrame, camera_name
from nightseg_ros.bags.whole_bag import WholeBag
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.overlay import draw_over
from nightseg_ros.perception.status import Report, frame_time_report, route_report

if TYPE_CHECKING:
    from nightseg_ros.labels.label_set import LabelSet
    from nightseg_ros.perception.frame_result import FrameResult, Image

ALPHA = 0.55
JPEG_QUALITY = 90
DIAGNOSTICS = "/diagnostics"
BACKEND_EVERY_NS = 10**9
"""The node repeats this report every second; here in the time of the bag."""


@final
class ResultBag(WholeBag):
    """One file; it gets its name when it is complete."""

    def __init__(
        self,
        path: Path,
        cameras: Sequence[str],
        labels: LabelSet,
        route: str,
        backend: Report | None = None,
    ) -> None:
        """Start the file; `route` is the requested one, `backend` reports what runs the models."""
        # A sqlite3 file can only be written by the thread that opened it; here another one writes.
        if path.suffix != ".mcap":
            raise NightsegError(f"--write {path} needs the ending .mcap")
        super().__init__(path, new=True)
        self._labels = labels
        self._route, self._backend, self._backend_due_ns = route, backend, 0
        self._names = {
            camera: camera_name(camera) if len(cameras) > 1 else "" for camera in cameras
        }
        self._topics: dict[tuple[str, str], Any] = {}
        self._diagnostics = self._topic(DIAGNOSTICS, "diagnostic_msgs/msg/DiagnosticArray")
        for camera, name in self._names.items():
            part = f"{name}/" if name else ""
            for what, topic, kind in (
                ("mask", f"/segmentation_node/{part}mask", IMAGE),
                ("route", f"/segmentation_node/{part}route", "std_msgs/msg/String"),
                ("overlay", f"/overlay_node/{part}overlay/compressed", COMPRESSED),
            ):
                self._topics[camera, what] = self._topic(topic, kind)

    def write(self, frame: BagFrame, result: FrameResult) -> None:
        """Append the messages of one frame."""
        header = self.header(frame.stamp_ns, frame.frame_id)
        overlay = self._overlay(frame, result)
        for what, message in (
            ("mask", self.image(header, result.mask, "mono8")),
            ("route", self.make("std_msgs/msg/String", data=result.route)),
            ("overlay", self.jpeg(header, overlay, JPEG_QUALITY)),
        ):
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
        """Return reports as the node publishes them."""
        return self.make(
            "diagnostic_msgs/msg/DiagnosticArray",
            header=self.header(frame.stamp_ns, ""),
            status=[
                self.make(
                    "diagnostic_msgs/msg/DiagnosticStatus",
                    level=report.level,
                    name=f"segmentation_node: {report.name}",
                    message=report.message,
                    hardware_id=platform.node(),
                    values=[
                        self.make("diagnostic_msgs/msg/KeyValue", key=key, value=value)
                        for key, value in report.values.items()
                    ],
                )
                for report in reports
            ],
        )

    def _overlay(self, frame: BagFrame, result: FrameResult) -> Image:
        assert frame.image is not None
        ms, image = result.times_ms["total"], frame.image.bgr()
        return draw_over(
            image, result.mask, self._labels, ALPHA, result.route, ms, result.confidence
        )
