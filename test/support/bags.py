# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Small bags whose every message the test knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

TYPES = get_typestore(Stores.ROS2_HUMBLE)
START_NS = 1_767_283_200 * 10**9
STEP_NS = 100_000_000
IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"


def stamp(index):
    return START_NS + index * STEP_NS


def picture(index, size=(48, 64), top=256):
    return np.random.default_rng(index).integers(0, top, (*size, 3), np.uint8)


def message(kind, **values) -> Any:
    return TYPES.types[kind](**values)


def header(stamp_ns, frame_id="camera"):
    time = message("builtin_interfaces/msg/Time", sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    return message("std_msgs/msg/Header", stamp=time, frame_id=frame_id)


def raw(stamp_ns, pixels):
    height, width = pixels.shape[:2]
    return message(
        IMAGE,
        header=header(stamp_ns),
        height=height,
        width=width,
        encoding="mono8" if pixels.ndim == 2 else "bgr8",
        is_bigendian=0,
        step=pixels.size // height,
        data=np.ascontiguousarray(pixels).ravel(),
    )


def jpeg_bytes(pixels):
    return cv2.imencode(".jpg", pixels)[1].ravel()


def jpeg(stamp_ns, data):
    return message(COMPRESSED, header=header(stamp_ns), format="bgr8; jpeg", data=data)


def write_bag(path: Path, messages, compression=None) -> Path:
    """Write (topic, bag time, message) as a folder with metadata, mcap or db3 by the suffix."""
    plugin = StoragePlugin.MCAP if path.suffix == ".mcap" else StoragePlugin.SQLITE3
    writer = Writer(path.with_suffix(""), version=8, storage_plugin=plugin)
    if compression:
        from rosbags.rosbag2 import CompressionFormat

        writer.set_compression(compression, CompressionFormat.ZSTD)
    topics = {}
    with writer:
        for topic, at, content in messages:
            kind = content.__msgtype__
            if topic not in topics:
                topics[topic] = writer.add_connection(topic, kind, typestore=TYPES)
            writer.write(topics[topic], at, TYPES.serialize_cdr(content, kind))
    return path.with_suffix("")


def bag_file(folder: Path) -> Path:
    (file,) = [p for p in folder.iterdir() if p.suffix in (".mcap", ".db3")]
    return file


def read_bag(path: Path):
    """Return topic -> [(bag time, message)]."""
    from rosbags.rosbag2 import Reader

    found: dict[str, list[tuple[int, Any]]] = {}
    with Reader(path) as reader:
        for connection, at, data in reader.messages():
            content = TYPES.deserialize_cdr(data, connection.msgtype)
            found.setdefault(connection.topic, []).append((at, content))
    return found
