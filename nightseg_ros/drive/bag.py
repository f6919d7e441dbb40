# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a drive as a rosbag2 recording in one file, mcap or sqlite3; needs no ROS."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, final

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.drive.render import DriveFrame
from nightseg_ros.errors import NightsegError

START_S = 1_767_283_200
"""The stamp of the first frame, 2026-01-01 16:00 UTC: never the current time, so that equal drives
give equal bags, and not zero, which ROS reads as no time at all."""
IMAGE, INFO, TRUTH, PHASE = (
    "/camera/image",
    "/camera/camera_info",
    "/camera/ground_truth",
    "/camera/light",
)
SUFFIXES = {".mcap": "MCAP", ".db3": "SQLITE3"}
JPEG_QUALITY = 92


@final
class BagWriter:
    """Writes image, camera_info, ground truth (mono8 train ids) and the word for the light."""

    def __init__(self, path: Path, *, raw: bool = False) -> None:
        """Start the recording; with `raw` images are bgr8, else JPEG on <image>/compressed."""
        try:
            from rosbags.rosbag2 import StoragePlugin, Writer
            from rosbags.typesys import Stores, get_typestore
        except ImportError as error:
            raise NightsegError(
                f"a bag needs the package rosbags ({error}); pip install '.[replay]', "
                "or give --out the name of a folder"
            ) from error
        self._path, self._raw = path, raw
        self._types = get_typestore(Stores.ROS2_HUMBLE)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        plugin = StoragePlugin[SUFFIXES[path.suffix]]
        self._writer = Writer(self._folder / "bag", version=8, storage_plugin=plugin)
        self._writer.open()
        self._topics: dict[str, Any] = {}
        image = (f"{IMAGE}/compressed", "CompressedImage") if not raw else (IMAGE, "Image")
        for topic, kind in (
            (image[0], f"sensor_msgs/msg/{image[1]}"),
            (INFO, "sensor_msgs/msg/CameraInfo"),
            (TRUTH, "sensor_msgs/msg/Image"),
            (PHASE, "std_msgs/msg/String"),
        ):
            connection = self._writer.add_connection(topic, kind, typestore=self._types)
            self._topics[topic.removesuffix("/compressed")] = connection

    def write(self, frame: DriveFrame) -> None:
        """Append one frame; all its messages carry the same stamp."""
        stamp = START_S * 10**9 + round(frame.stamp_s * 1e9)
        header = self._message(
            "std_msgs/msg/Header",
            stamp=self._message(
                "builtin_interfaces/msg/Time", sec=stamp // 10**9, nanosec=stamp % 10**9
            ),
            frame_id=str(frame.camera_info["frame_id"]),
        )
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

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._writer.close()
            if kind is None:
                (made,) = (self._folder / "bag").glob(f"*{self._path.suffix}")
                made.replace(self._path)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _message(self, kind: str, **values: Any) -> Any:
        return self._types.types[kind](**values)

    def _put(self, topic: str, stamp: int, message: Any) -> None:
        data = self._types.serialize_cdr(message, message.__msgtype__)
        self._writer.write(self._topics[topic], stamp, data)

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
