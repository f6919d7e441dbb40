# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a drive as a rosbag2 recording in one file, mcap or sqlite3; needs no ROS."""

from __future__ import annotations

from pathlib import Path
from typing import Any, final

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.drive.render import DriveFrame
from nightseg_ros.errors import NightsegError
from nightseg_ros.whole_bag import WholeBag

START_S = 1_767_283_200
"""The stamp of the first frame, 2026-01-01 16:00 UTC: never the current time, so that equal drives
give equal bags, and not zero, which ROS reads as no time at all."""
IMAGE, INFO, TRUTH, PHASE = (
    "/camera/image",
    "/camera/camera_info",
    "/camera/ground_truth",
    "/camera/light",
)
JPEG_QUALITY = 92


@final
class BagWriter(WholeBag):
    """Writes image, camera_info, ground truth (mono8 train ids) and the word for the light."""

    def __init__(self, path: Path, *, raw: bool = False) -> None:
        """Start the recording; with `raw` images are bgr8, else JPEG on <image>/compressed."""
        super().__init__(path)
        self._raw = raw
        self._topics: dict[str, Any] = {}
        image = (f"{IMAGE}/compressed", "CompressedImage") if not raw else (IMAGE, "Image")
        for topic, kind in (
            (image[0], f"sensor_msgs/msg/{image[1]}"),
            (INFO, "sensor_msgs/msg/CameraInfo"),
            (TRUTH, "sensor_msgs/msg/Image"),
            (PHASE, "std_msgs/msg/String"),
        ):
            self._topics[topic.removesuffix("/compressed")] = self._topic(topic, kind)

    def write(self, frame: DriveFrame) -> None:
        """Append one frame; all its messages carry the same stamp."""
        stamp = START_S * 10**9 + round(frame.stamp_s * 1e9)
        header = self._header(stamp, str(frame.camera_info["frame_id"]))
        if self._raw:
            picture = self._image(header, frame.image_bgr, "bgr8")
        else:
            good, data = cv2.imencode(
                ".jpg", frame.image_bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
            )
            if not good:
                raise NightsegError("a frame could not be encoded as JPEG; use --raw")
            picture = self._message(
                "sensor_msgs/msg/CompressedImage",
                header=header,
                format="bgr8; jpeg compressed bgr8",
                data=data.ravel(),
            )
        self._put(IMAGE, stamp, picture)
        self._put(INFO, stamp, self._info(header, frame.camera_info))
        self._put(TRUTH, stamp, self._image(header, frame.labels, "mono8"))
        self._put(PHASE, stamp, self._message("std_msgs/msg/String", data=frame.illumination_phase))

    def _put(self, topic: str, stamp: int, message: Any) -> None:
        self._write(self._topics[topic], stamp, message)

    def _image(self, header: Any, pixels: NDArray, encoding: str) -> Any:
        height, width = pixels.shape[:2]
        return self._message(
            "sensor_msgs/msg/Image",
            header=header,
            height=height,
            width=width,
            encoding=encoding,
            is_bigendian=0,
            step=pixels.size // height,
            data=np.ascontiguousarray(pixels).ravel(),
        )

    def _info(self, header: Any, info: dict[str, object]) -> Any:
        arrays = {name: np.array(info[name], np.float64) for name in "dkrp"}
        region = self._message(
            "sensor_msgs/msg/RegionOfInterest",
            x_offset=0,
            y_offset=0,
            height=0,
            width=0,
            do_rectify=False,
        )
        return self._message(
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
