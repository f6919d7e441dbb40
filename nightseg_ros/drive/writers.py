# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a drive: as a rosbag2 recording in one file, or as plain files; needs no ROS."""

from __future__ import annotations

import csv
import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import cv2
import numpy as np

from nightseg_ros.bags import cdr_images
from nightseg_ros.bags.whole_bag import WholeBag
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.sole_writer import sole_folder_writer

if TYPE_CHECKING:
    from nightseg_ros.drive.render import DriveFrame


START_S = 1_767_283_200
"""The stamp of the first frame, 2026-01-01 16:00 UTC: not the current time, so that equal drives
give equal bags, and not zero, which means no time in ROS."""
IMAGE, INFO, TRUTH, PHASE = (
    "/camera/image",
    "/camera/camera_info",
    "/camera/ground_truth",
    "/camera/light",
)
JPEG_QUALITY = 92


@final
class BagWriter(WholeBag):
    """Writes image, camera_info, ground truth (mono8 train ids) and the phase of the light."""

    def __init__(self, path: Path, *, raw: bool = False) -> None:
        """Start the recording; with `raw` images are bgr8, else JPEG on <image>/compressed."""
        super().__init__(path)
        self._raw = raw
        self._topics: dict[str, Any] = {}
        for topic, kind in (
            (IMAGE, cdr_images.IMAGE) if raw else (f"{IMAGE}/compressed", cdr_images.COMPRESSED),
            (INFO, "sensor_msgs/msg/CameraInfo"),
            (TRUTH, cdr_images.IMAGE),
            (PHASE, "std_msgs/msg/String"),
        ):
            self._topics[topic.removesuffix("/compressed")] = self._topic(topic, kind)

    def write(self, frame: DriveFrame) -> None:
        """Append one frame; all its messages have the same stamp."""
        stamp = START_S * 10**9 + round(frame.stamp_s * 1e9)
        header = self.header(stamp, str(frame.camera_info["frame_id"]))
        pixels = frame.image_bgr
        messages = {
            IMAGE: self.image(header, pixels, "bgr8")
            if self._raw
            else self.jpeg(header, pixels, JPEG_QUALITY),
            INFO: self._info(header, frame.camera_info),
            TRUTH: self.image(header, frame.labels, "mono8"),
            PHASE: self.make("std_msgs/msg/String", data=frame.illumination_phase),
        }
        for topic, message in messages.items():
            self._write(self._topics[topic], stamp, message)

    def _info(self, header: Any, info: dict[str, object]) -> Any:
        arrays = {name: np.array(info[name], np.float64) for name in "dkrp"}
        nowhere = dict.fromkeys(("x_offset", "y_offset", "height", "width"), 0)
        region = self.make("sensor_msgs/msg/RegionOfInterest", **nowhere, do_rectify=False)
        return self.make(
            "sensor_msgs/msg/CameraInfo",
            header=header,
            height=info["height"],
            width=info["width"],
            distortion_model=info["distortion_model"],
            binning_x=0,
            binning_y=0,
            roi=region,
            **arrays,
        )


@final
class FolderWriter:
    """Writes frames one by one; labels are 8-bit train ids, 255 unlabelled."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = ExitStack()
        self._lock.enter_context(sole_folder_writer(path))
        for part in ("images", "labels"):
            (path / part).mkdir(parents=True, exist_ok=True)
        self._list = (path / "frames.csv").open("w", newline="", encoding="utf-8")
        self._rows = csv.writer(self._list)
        self._rows.writerow(["stem", "stamp_s", "light"])
        self._count = 0

    def write(self, frame: DriveFrame) -> None:
        """Append one frame."""
        stem = f"{self._count:06d}"
        if not self._count:
            text = json.dumps(frame.camera_info, indent=2)
            (self._path / "camera_info.json").write_text(text + "\n", encoding="utf-8")
        image = self._path / "images" / f"{stem}.jpg"
        label = self._path / "labels" / f"{stem}.png"
        quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        if not (
            cv2.imwrite(str(image), frame.image_bgr, quality)
            and cv2.imwrite(str(label), frame.labels)
        ):
            raise NightsegError(f"cannot write {image}; check the space on the disk")
        self._rows.writerow([stem, f"{frame.stamp_s:.6f}", frame.illumination_phase])
        self._count += 1

    def __enter__(self) -> FolderWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._list.close()
        self._lock.close()
