# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads the claimed size of a JPEG or PNG stream before anything is decoded.

A few hundred bytes can claim gigapixels, and OpenCV silently turns half a JPEG into a half grey
image. So the claim is checked here first, and a stream without its end marker is refused: a mask
of grey filler would look like a mask of the street. Damage inside the compressed data of a
complete stream cannot be detected, and is decoded.

A decompression bomb may stay within the limit of pixels: no camera makes so many pixels from so
few bytes, or draws them in hundreds of passes.
"""

from __future__ import annotations

import struct

from nightseg_ros.errors import NightsegError

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_START = b"\xff\xd8\xff"
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9
_NO_FRAME_SIZE = {0xC4, 0xC8, 0xCC}  # tables that share the range C0-CF with the frame headers
PIXELS_PER_BYTE = 1100
"""More than any black image has: as JPEG 170, as PNG 330 in colour and 1030 in grey."""
SMALL_PIXELS = 1_000_000
"""Smaller images are never treated as a bomb."""
DRAWN_PIXELS = 1_000_000_000
"""Pixels times passes of a progressive JPEG; encoders make about ten passes."""

_STANDALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a length


class ImageError(NightsegError):
    """A message that is not a usable image; the text gives the cause and the value."""


def claimed_size(data: bytes) -> tuple[int, int]:
    """Return the (height, width) in the header of a complete JPEG or PNG stream."""
    if data.startswith(_PNG_SIGNATURE):
        return _png_size(data)
    if data.startswith(_JPEG_START):
        return _jpeg_size(data)
    raise ImageError(
        f"compressed image of {len(data)} bytes starts with {data[:8].hex(' ') or 'nothing'}, "
        "which is neither JPEG nor PNG; publish one of these"
    )


def refuse_bomb(data: bytes, height: int, width: int) -> None:
    """Refuse a stream whose size or passes are out of proportion to its bytes."""
    pixels = height * width
    if pixels > SMALL_PIXELS and pixels > PIXELS_PER_BYTE * len(data):
        raise ImageError(
            f"{len(data)} bytes claim to hold {width}x{height} pixels: that is no camera image "
            "but a decompression bomb, or damaged"
        )
    if data.startswith(_JPEG_START):
        # Inside a scan every data byte FF is followed by 00, so these are real markers.
        passes = data.count(bytes((0xFF, _START_OF_SCAN)))
        if pixels * passes > DRAWN_PIXELS:
            raise ImageError(
                f"JPEG of {width}x{height} pixels is drawn in {passes} passes: that is no camera "
                "image but a decompression bomb, or damaged"
            )


def _png_size(data: bytes) -> tuple[int, int]:
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise ImageError(f"PNG of {len(data)} bytes has no header chunk")
    if data.rfind(b"IEND") < 33:
        raise ImageError(f"PNG of {len(data)} bytes is cut off: it has no end chunk")
    width, height = struct.unpack_from(">II", data, 16)
    return height, width


def _jpeg_size(data: bytes) -> tuple[int, int]:
    size: tuple[int, int] | None = None
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise ImageError(f"JPEG of {len(data)} bytes is damaged at byte {at}: no marker there")
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte before a marker
            at += 1
            continue
        if marker in _STANDALONE:
            at += 2
            continue
        if marker == _END_OF_IMAGE:
            break
        (length,) = struct.unpack_from(">H", data, at + 2)
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME_SIZE and at + 9 <= len(data):
            size = struct.unpack_from(">HH", data, at + 5)
        if marker == _START_OF_SCAN:
            # Inside a scan every data byte FF is followed by 00, so this is the real end.
            if data.find(b"\xff\xd9", at) < 0:
                raise ImageError(f"JPEG of {len(data)} bytes is cut off: it has no end marker")
            break
        at += 2 + length
    else:
        raise ImageError(f"JPEG of {len(data)} bytes is cut off in its header")
    if size is None:
        raise ImageError(f"JPEG of {len(data)} bytes has no frame header")
    return size
