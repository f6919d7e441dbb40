# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads and writes one image or label file, with clear errors about bad ones.

A cut-off file is refused here, because OpenCV fills the missing part with grey. Labels keep their
numbers: a PNG with a palette or with less than 8 bits is read as ids, not as colours.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import write_atomically
from nightseg_ros.files.regular import read_regular

MAX_BYTES = 1 << 30
"""Larger than any image of a data set."""
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".webp")

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_GREY, _PALETTE = 0, 3  # PNG colour types
_TAIL = 4096  # some cameras write a few bytes after the end of the image


def read_image(path: Path) -> NDArray[np.uint8]:
    """Return an (H, W, 3) uint8 RGB image, on the pixel grid its labels were drawn on."""
    image = decode(path, cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def read_label(path: Path) -> NDArray[np.uint8]:
    """Return the (H, W) uint8 ids of a label file, as they are stored."""
    data = read_bytes(path)
    if not data.startswith(_PNG):
        raise NightsegError(f"{path}: labels must be PNG files; other formats may change the ids")
    depth, kind = data[24], data[25]
    if kind == _PALETTE:
        return np.ascontiguousarray(_decode(path, _with_id_palette(data), cv2.IMREAD_COLOR)[..., 0])
    label = _decode(path, data, cv2.IMREAD_UNCHANGED)
    if label.ndim != 2:
        if not (label[..., :1] == label[..., :3]).all():
            raise NightsegError(
                f"{path}: the label has colours, not ids; give the id file of the data set"
            )
        label = label[..., 0]
    if label.dtype != np.uint8:
        if label.max() > 255:
            raise NightsegError(f"{path}: label id {label.max()} exceeds 8 bits")
        label = label.astype(np.uint8)
    if kind == _GREY and depth < 8:
        label = label // np.uint8(255 // (2**depth - 1))  # the decoder scaled them to 0..255
    return np.ascontiguousarray(label)


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write ids (H, W) or BGR pixels (H, W, 3) as one of many PNG files, atomically."""
    good, data = cv2.imencode(".png", np.ascontiguousarray(pixels))
    if not good:
        raise NightsegError(f"{path}: {list(pixels.shape)} pixels cannot be encoded as PNG")
    write_atomically(path, data.tobytes(), one_of_many=True)


def decode(path: Path, flags: int) -> NDArray[np.uint8]:
    """Read and decode `path` with OpenCV `flags`, in the stored orientation."""
    return _decode(path, read_bytes(path), flags | cv2.IMREAD_IGNORE_ORIENTATION)


def read_bytes(path: Path) -> bytes:
    """Return the file's bytes, refusing a missing, empty or cut-off one."""
    try:
        data = read_regular(path, MAX_BYTES)
    except OSError as error:
        raise NightsegError(f"{path}: cannot be read ({error.strerror})") from error
    if not data:
        raise NightsegError(f"{path}: the file is empty; download it again")
    tail = data[-_TAIL:]
    if (data.startswith(_JPEG) and b"\xff\xd9" not in tail) or (
        data.startswith(_PNG) and b"IEND" not in tail
    ):
        raise NightsegError(
            f"{path}: the file is cut off after {len(data)} bytes; download it again"
        )
    return data


def _decode(path: Path, data: bytes, flags: int) -> NDArray[np.uint8]:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise NightsegError(f"{path}: cannot be decoded ({error})") from error
    if pixels is None:
        raise NightsegError(f"{path}: is not an image that OpenCV can decode, or it is damaged")
    return np.asarray(pixels)


def _with_id_palette(png: bytes) -> bytes:
    """Return the PNG with the palette (i, i, i), so that its decoded colours are its ids.

    Two ids may share a colour (in Mapillary Vistas they do), so colours do not identify ids.
    """
    chunks = [png[: len(_PNG)]]
    at = len(_PNG)
    while at + 12 <= len(png):
        (length,) = struct.unpack_from(">I", png, at)
        name, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        if name == b"PLTE":
            body = bytes(i for i in range(length // 3) for _ in range(3))
        if name != b"tRNS":
            chunks.append(struct.pack(">I", len(body)) + name + body)
            chunks.append(struct.pack(">I", zlib.crc32(name + body)))
        at += 12 + length
    return b"".join(chunks)
