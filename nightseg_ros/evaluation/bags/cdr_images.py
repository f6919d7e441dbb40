# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images as the bytes that a bag holds and a publisher sends, and a new stamp in such bytes."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.perception.image_headers import ImageError

_STAMP = 4, 12
"""A header comes first in every message that has one: 4 bytes of encoding, then its stamp."""


class ImageWriter:
    """Serialises bgr8 images."""

    def __init__(self) -> None:
        from rosbags.typesys import Stores, get_typestore

        self._types: Any = get_typestore(Stores.ROS2_HUMBLE)

    def cdr(self, bgr: NDArray[np.uint8], stamp_ns: int, frame_id: str) -> bytes:
        """Return a sensor_msgs/Image of contiguous (H, W, 3) pixels."""
        kinds = self._types.types
        sec, nanosec = divmod(stamp_ns, 10**9)
        stamp = kinds["builtin_interfaces/msg/Time"](sec=sec, nanosec=nanosec)
        height, width = bgr.shape[:2]
        message = kinds["sensor_msgs/msg/Image"](
            header=kinds["std_msgs/msg/Header"](stamp=stamp, frame_id=frame_id),
            height=height,
            width=width,
            encoding="bgr8",
            is_bigendian=0,
            step=3 * width,
            data=bgr.ravel(),
        )
        return bytes(self._types.serialize_cdr(message, message.__msgtype__))


def stamp_of(data: bytes) -> int:
    """Return the stamp in ns of a serialised message that starts with a header."""
    if len(data) < _STAMP[1]:
        raise ImageError(f"message of {len(data)} bytes has no header")
    sec, nanosec = struct.unpack_from(_order(data), data, _STAMP[0])
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
