# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images as a broken driver, a damaged link or an attacker would send them, the same for a seed.

Each message starts as a good one, of any encoding or file format, and has some of its fields or
bytes changed. A few are still images after that; all others must be refused, and none may do harm.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from nightseg_ros.perception.image_messages import ACCEPTED_ENCODINGS

INTEGERS = (0, 1, 2, 3, 7, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1)
TEXTS = (
    *("", " ", "BGR8", "bgr8 ", "bgr8\n", "bgr", "rgb16", "32FC1", "8UC4", "64FC3", "mono32"),
    *("bayer_rggb16", "yuv", "h264", "jpeg", "../../etc/passwd", "%s%n", "\N{SNOWMAN}", "x" * 5000),
)
SECONDS = (-(2**31), -1, 0, 1, 2**31 - 1)
NANOSECONDS = (0, 999_999_999, 1_000_000_000, 2**31, 2**32 - 1)
_CHANNELS = {"rgba8": 4, "bgra8": 4, "rgb8": 3, "bgr8": 3, "8UC3": 3, "mono16": 2, "nv24": 3}


@dataclass
class RawImage:
    """The fields of a sensor_msgs/Image."""

    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: bytes
    stamp: tuple[int, int] = (0, 0)
    frame_id: str = "camera"


@dataclass
class CompressedImage:
    """The fields of a sensor_msgs/CompressedImage."""

    format: str
    data: bytes
    stamp: tuple[int, int] = field(default=(0, 0))
    frame_id: str = "camera"


def raw_images(seed: int, count: int) -> Iterator[RawImage]:
    """Yield images of which one to three fields were changed."""
    rng = random.Random(seed)
    for _ in range(count):
        image = _good_raw(rng)
        for name in rng.sample(tuple(_CHANGES), rng.randint(1, 3)):
            setattr(image, name, _CHANGES[name](rng, image))
        yield image


def compressed_images(seed: int, count: int) -> Iterator[CompressedImage]:
    """Yield JPEG and PNG files whose bytes were changed in one to three ways."""
    rng = random.Random(seed)
    files = _good_files(rng)

    def splice(rng: random.Random, data: bytes) -> bytes:
        other = rng.choice(files)
        return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other)) :]

    changes: tuple[Callable[[random.Random, bytes], bytes], ...] = (
        _flip,
        lambda rng, data: data[: rng.randrange(len(data) + 1)],
        _insert,
        _blank,
        _claim,
        splice,
        lambda rng, _: rng.randbytes(rng.randrange(300)),
    )
    for _ in range(count):
        data = rng.choice(files)
        for change in rng.choices(changes, k=rng.randint(1, 3)):
            data = change(rng, data)
        image = CompressedImage(rng.choice(("jpeg", "png", *TEXTS)), data)
        if rng.random() < 0.1:
            image.stamp = (rng.choice(SECONDS), rng.choice(NANOSECONDS))
        yield image


def _good_raw(rng: random.Random) -> RawImage:
    encoding = rng.choice(ACCEPTED_ENCODINGS)
    height, width = 2 * rng.randint(1, 20), 2 * rng.randint(1, 30)
    step = width * {3: 3, 4: 4, 2: 2}.get(_CHANNELS.get(encoding, 1), 1)
    if encoding.startswith(("yuv", "uyvy")):
        step = 2 * width
    rows = height * 3 // 2 if encoding in ("nv12", "nv21") else height
    return RawImage(height, width, encoding, 0, step, rng.randbytes(step * rows))


def _number(rng: random.Random, value: int) -> int:
    near = (max(0, value - 1), value + 1, 2 * value, value // 2)
    return rng.choice((*INTEGERS, *near, rng.getrandbits(32), rng.getrandbits(12)))


def _other_data(rng: random.Random, image: RawImage) -> bytes:
    size = _number(rng, len(image.data)) % 20_000
    return (image.data + rng.randbytes(20_000))[:size]


_CHANGES: dict[str, Callable[[random.Random, RawImage], Any]] = {
    "height": lambda rng, image: _number(rng, image.height),
    "width": lambda rng, image: _number(rng, image.width),
    "step": lambda rng, image: _number(rng, image.step),
    "encoding": lambda rng, _: rng.choice((*ACCEPTED_ENCODINGS, *TEXTS)),
    "is_bigendian": lambda rng, _: rng.randrange(256),
    "data": _other_data,
    "stamp": lambda rng, _: (rng.choice(SECONDS), rng.choice(NANOSECONDS)),
    "frame_id": lambda rng, _: rng.choice(TEXTS),
}
"""Field of an image -> another value for it."""


def _good_files(rng: random.Random) -> list[bytes]:
    numbers = np.random.default_rng(rng.getrandbits(32))
    smooth = cv2.resize(numbers.integers(0, 256, (5, 7, 3), np.uint8), (57, 43))
    images: tuple[tuple[str, object, list[int]], ...] = (
        (".jpg", smooth, []),
        (".jpg", smooth[..., 0], []),
        (".jpg", smooth, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        (".jpg", smooth, [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]),
        (".jpg", numbers.integers(0, 256, (8, 9, 3), np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 10]),
        (".png", smooth, []),
        (".png", smooth[..., 0], []),
        (".png", np.dstack((smooth, smooth[..., :1])), []),
        (".png", smooth.astype(np.uint16) * 257, []),
        (".png", (smooth[..., 0] > 100).astype(np.uint8) * 255, [cv2.IMWRITE_PNG_BILEVEL, 1]),
    )
    return [cv2.imencode(kind, image, how)[1].tobytes() for kind, image, how in images]  # type: ignore[call-overload]


def _flip(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _insert(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.randbytes(rng.randint(1, 40)) + data[at:]


def _blank(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    size = rng.randint(1, 60)
    return data[:at] + bytes([rng.choice((0, 255))]) * size + data[at + size :]


def _claim(rng: random.Random, data: bytes) -> bytes:
    """Let the header claim another size; in a PNG with a checksum that fits the lie."""
    width, height = (rng.choice((0, 1, 65535, rng.getrandbits(13))) for _ in range(2))
    if data[:4] == b"\x89PNG" and len(data) > 33:
        scale = rng.choice((1, 1, 2**15))
        head = data[12:16] + struct.pack(">II", width * scale, height * scale) + data[24:29]
        return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    if at < 0:
        return data
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]
