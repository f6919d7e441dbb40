# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Serialises messages as a bag stores them, and reads or replaces the stamp in the bytes."""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.image_headers import ImageError

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
_STAMP = 4, 12
"""A header is the first field of a message: after 4 bytes of encoding follows its stamp."""


class Messages:
    """Makes and serialises messages."""

    def __init__(self) -> None:
        from rosbags.typesys import Stores, get_typestore

        self._types: Any = get_typestore(Stores.ROS2_HUMBLE)

    def make(self, kind: str, **values: Any) -> Any:
        """Return a message of a type such as "std_msgs/msg/String"."""
        return self._types.types[kind](**values)

    def header(self, stamp_ns: int, frame_id: str) -> Any:
        """Return a std_msgs/Header."""
        sec, nanosec = divmod(stamp_ns, 10**9)
        stamp = self.make("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)
        return self.make("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)

    def image(self, header: Any, pixels: NDArray[np.uint8], encoding: str) -> Any:
        """Return a sensor_msgs/Image of (H, W) or (H, W, channels) bytes."""
        height, width = pixels.shape[:2]
        return self.make(
            IMAGE,
            header=header,
            height=height,
            width=width,
            encoding=encoding,
            is_bigendian=0,
            step=pixels.size // height,
            data=np.ascontiguousarray(pixels).ravel(),
        )

    def jpeg(self, header: Any, bgr: NDArray[np.uint8], quality: int) -> Any:
        """Return a sensor_msgs/CompressedImage of (H, W, 3) pixels."""
        good, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if not good:
            size = f"{bgr.shape[1]}x{bgr.shape[0]}"
            raise NightsegError(f"an image of {size} cannot be encoded as JPEG; use raw images")
        form = "bgr8; jpeg compressed bgr8"
        return self.make(COMPRESSED, header=header, format=form, data=data.ravel())

    def cdr(self, message: Any) -> bytes:
        """Return the bytes of a message."""
        return bytes(self._types.serialize_cdr(message, message.__msgtype__))


def stamp_of(data: bytes) -> int:
    """Return the stamp in ns of a serialised message that starts with a header."""
    if len(data) < _STAMP[1]:
        raise ImageError(f"message of {len(data)} bytes has no header")
    sec, nanosec = struct.unpack_from(_order(data), data, _STAMP[0])
    if sec < 0 or nanosec >= 10**9:  # as the node checks it
        raise ImageError(f"stamp {sec} s {nanosec} ns is not a valid time")
    return int(sec) * 10**9 + int(nanosec)


def with_stamp(data: bytes, stamp_ns: int) -> bytes:
    """Return the same message with another stamp.

    >>> stamp_of(with_stamp(bytes([0, 1, 0, 0]) + bytes(20), 12_000_000_345))
    12000000345
    """
    head = struct.pack(_order(data), *divmod(stamp_ns, 10**9))
    return b"".join((data[: _STAMP[0]], head, memoryview(data)[_STAMP[1] :]))


def _order(data: bytes) -> str:
    return "<iI" if data[1] & 1 else ">iI"
