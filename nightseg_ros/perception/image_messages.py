# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Converts ROS image messages to numpy pixels and back, with checks and few copies.

Works on anything with the fields of sensor_msgs/Image or CompressedImage, so it needs no rclpy.
Every fault of a message is an `ImageError`. Nothing is allocated before the size in a message has
been checked against its data. cv_bridge converts only encodings that are not in the table here,
and only where it can be imported.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.perception.image_headers import ImageError, claimed_size, refuse_bomb

MAX_PIXELS = 64_000_000
"""Larger images are refused: no camera of a vehicle needs them, and they would fill the memory."""

Order = Literal["rgb", "bgr"]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class DecodedImage:
    """(H, W, 3) pixels and the order of their channels; may be a view into the message."""

    pixels: Pixels
    order: Order = "bgr"

    def bgr(self) -> Pixels:
        """Return the pixels as OpenCV has them."""
        if self.order == "bgr":
            return self.pixels
        return np.asarray(cv2.cvtColor(self.pixels, cv2.COLOR_RGB2BGR), np.uint8)


_Convert = Callable[[Pixels, int, int, bool], DecodedImage]
"""From lines (rows, step) of bytes, width, height and is_bigendian."""


@dataclass(frozen=True)
class _Layout:
    """How an encoding lies in memory, and what turns it into three channels."""

    pixel_bytes: int
    convert: _Convert
    rows: tuple[int, int] = (1, 1)  # lines of data per image row, as a fraction (3/2 for NV12)
    even_width: bool = False
    even_height: bool = False


def _view(order: Order) -> _Convert:
    def convert(lines: Pixels, width: int, height: int, _: bool) -> DecodedImage:
        strides = (lines.strides[0], 3, 1)
        return DecodedImage(
            np.lib.stride_tricks.as_strided(lines, (height, width, 3), strides), order
        )

    return convert


def _packed(channels: int, code: int, order: Order) -> _Convert:
    """Pixels of 1, 2 or 4 bytes that one cvtColor call turns into three channels."""

    def convert(lines: Pixels, width: int, height: int, _: bool) -> DecodedImage:
        shape, strides = (height, width), (lines.strides[0], channels)
        if channels > 1:
            shape, strides = (height, width, channels), (lines.strides[0], channels, 1)  # type: ignore[assignment]
        pixels = np.lib.stride_tricks.as_strided(lines, shape, strides)
        return DecodedImage(cv2.cvtColor(pixels, code), order)  # type: ignore[arg-type]

    return convert


def _high_byte(lines: Pixels, width: int, _: int, big_endian: bool) -> DecodedImage:
    grey = np.ascontiguousarray(lines[:, (0 if big_endian else 1) : 2 * width : 2])
    return DecodedImage(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), "bgr")  # type: ignore[arg-type]


def _semi_planar(code: int) -> _Convert:
    def convert(lines: Pixels, width: int, _height: int, _: bool) -> DecodedImage:
        planes = np.ascontiguousarray(lines[:, :width])
        return DecodedImage(cv2.cvtColor(planes, code), "bgr")  # type: ignore[arg-type]

    return convert


_VIDEO_RANGE_TO_BGR = np.array(  # BT.601, luma 16-235; the last column is the offset
    [[1.164, 2.018, 0.0, -276.9], [1.164, -0.391, -0.813, 135.5], [1.164, 0.0, 1.596, -222.9]]
)


def _nv24(lines: Pixels, width: int, height: int, _: bool) -> DecodedImage:
    luma = lines[:height, :width]
    chroma = lines[height:].reshape(height, -1)[:, : 2 * width].reshape(height, width, 2)
    yuv = np.dstack((luma, chroma))
    return DecodedImage(cv2.transform(yuv, _VIDEO_RANGE_TO_BGR), "bgr")  # type: ignore[arg-type]


# OpenCV names a Bayer pattern after its second row, ROS after its first: rggb is OpenCV's BG.
_LAYOUTS: dict[str, _Layout] = {
    "rgb8": _Layout(3, _view("rgb")),
    "bgr8": _Layout(3, _view("bgr")),
    "8UC3": _Layout(3, _view("bgr")),  # does not specify colour; BGR is OpenCV's convention
    "rgba8": _Layout(4, _packed(4, cv2.COLOR_RGBA2RGB, "rgb")),
    "bgra8": _Layout(4, _packed(4, cv2.COLOR_BGRA2BGR, "bgr")),
    "mono8": _Layout(1, _packed(1, cv2.COLOR_GRAY2BGR, "bgr")),
    "8UC1": _Layout(1, _packed(1, cv2.COLOR_GRAY2BGR, "bgr")),
    "mono16": _Layout(2, _high_byte),
    "yuv422": _Layout(2, _packed(2, cv2.COLOR_YUV2BGR_UYVY, "bgr"), even_width=True),
    "uyvy": _Layout(2, _packed(2, cv2.COLOR_YUV2BGR_UYVY, "bgr"), even_width=True),
    "yuv422_yuy2": _Layout(2, _packed(2, cv2.COLOR_YUV2BGR_YUY2, "bgr"), even_width=True),
    "yuyv": _Layout(2, _packed(2, cv2.COLOR_YUV2BGR_YUY2, "bgr"), even_width=True),
    "nv12": _Layout(1, _semi_planar(cv2.COLOR_YUV2BGR_NV12), (3, 2), True, True),
    "nv21": _Layout(1, _semi_planar(cv2.COLOR_YUV2BGR_NV21), (3, 2), True, True),
    "nv24": _Layout(1, _nv24, (3, 1)),
    "bayer_rggb8": _Layout(1, _packed(1, cv2.COLOR_BayerBG2BGR, "bgr")),
    "bayer_bggr8": _Layout(1, _packed(1, cv2.COLOR_BayerRG2BGR, "bgr")),
    "bayer_gbrg8": _Layout(1, _packed(1, cv2.COLOR_BayerGR2BGR, "bgr")),
    "bayer_grbg8": _Layout(1, _packed(1, cv2.COLOR_BayerGB2BGR, "bgr")),
}

ACCEPTED_ENCODINGS = tuple(_LAYOUTS)


def decode(message: Any, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Return the pixels of a sensor_msgs/Image or CompressedImage."""
    read = decode_image if hasattr(message, "encoding") else decode_compressed
    return read(message, max_pixels)


def decode_image(message: Any, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Return the pixels of a sensor_msgs/Image; rgb8, bgr8 and 8UC3 are views, not copies."""
    width, height, step = int(message.width), int(message.height), int(message.step)
    encoding = str(message.encoding)
    _check_size(width, height, max_pixels)
    layout = _LAYOUTS.get(encoding)
    if layout is None:
        return _decode_with_cv_bridge(message, encoding)
    if step < width * layout.pixel_bytes:
        raise ImageError(
            f"step {step} is too small for {width} pixels of {encoding}, "
            f"which need {width * layout.pixel_bytes} bytes a row"
        )
    if (layout.even_width and width % 2) or (layout.even_height and height % 2):
        raise ImageError(f"{encoding} of {width}x{height} is impossible: chroma needs even sizes")
    rows = height * layout.rows[0] // layout.rows[1]
    data = _bytes_of(message)
    if data.size != step * rows:
        raise ImageError(
            f"{encoding} of {width}x{height} with step {step} needs {step * rows} bytes, "
            f"the message holds {data.size}"
        )
    try:
        return layout.convert(data.reshape(rows, step), width, height, bool(message.is_bigendian))
    except cv2.error as error:
        raise ImageError(f"{encoding} of {width}x{height} cannot be converted: {error}") from error


def mask_pixels(message: Any, max_pixels: int = MAX_PIXELS) -> Pixels:
    """Return the (H, W) ids of a mono8 mask, a view into the message."""
    width, height, step = int(message.width), int(message.height), int(message.step)
    _check_size(width, height, max_pixels)
    data = _bytes_of(message)
    if message.encoding not in ("mono8", "8UC1") or step < width or data.size != step * height:
        raise ImageError(
            f"{message.encoding} of {width}x{height} with step {step} in {data.size} bytes is "
            "not a mask; a mask is mono8"
        )
    return data.reshape(height, step)[:, :width]


def decode_compressed(message: Any, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Return the pixels of a sensor_msgs/CompressedImage that holds a JPEG or a PNG.

    Pixels stay as they are stored: an orientation tag is not applied, so that mask and camera
    calibration keep the same axes.
    """
    data = _bytes_of(message)
    stream = data.tobytes()
    height, width = claimed_size(stream)
    _check_size(width, height, max_pixels)
    refuse_bomb(stream, height, width)
    try:
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise ImageError(f"{data.size} bytes of {width}x{height} do not decode: {error}") from error
    if pixels is None or pixels.shape != (height, width, 3):
        got = "nothing" if pixels is None else f"{pixels.shape[1]}x{pixels.shape[0]}"
        raise ImageError(
            f"compressed image ({str(message.format)!r}, {data.size} bytes) claims "
            f"{width}x{height} and decodes to {got}; it is damaged"
        )
    return DecodedImage(pixels, "bgr")  # type: ignore[arg-type]


_CHANNELS = {"mono8": 1, "rgb8": 3, "bgr8": 3}


def fill_image(message: Any, pixels: Pixels, encoding: str) -> Any:
    """Write uint8 `pixels` into a sensor_msgs/Image, all but its header, and return it.

    The data field gets an `array.array`: rclpy checks a numpy array value by value in Python,
    which takes longer than the network.
    """
    channels = _CHANNELS[encoding]
    if pixels.dtype != np.uint8 or pixels.shape[2:] != (() if channels == 1 else (channels,)):
        raise ValueError(f"{encoding} cannot hold {pixels.dtype} of shape {pixels.shape}")
    data = array("B")
    data.frombytes(np.ascontiguousarray(pixels))  # type: ignore[arg-type]
    message.height, message.width = pixels.shape[:2]
    message.encoding = encoding
    message.is_bigendian = 0
    message.step = pixels.shape[1] * channels
    message.data = data
    return message


def fill_png(message: Any, mask: Pixels) -> Any:
    """Write a mask into a sensor_msgs/CompressedImage without loss, and return it."""
    if mask.dtype != np.uint8 or mask.ndim != 2:
        raise ValueError(f"a mask is (H, W) uint8, not {mask.dtype} of shape {mask.shape}")
    done, encoded = cv2.imencode(".png", mask, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise ImageError(f"mask of shape {mask.shape} could not be written as PNG")
    message.format = "mono8; png compressed "  # as image_transport writes it, blank included
    message.data = array("B", encoded.tobytes())
    return message


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise ImageError(f"image size {width}x{height} is empty")
    if width * height > max_pixels:
        remedy = "; a node takes more with max_megapixels" if max_pixels < MAX_PIXELS else ""
        raise ImageError(
            f"image size {width}x{height} is over the limit of {max_pixels / 1e6:g} megapixels"
            f"{remedy}"
        )


def _bytes_of(message: Any) -> Pixels:
    try:
        return np.frombuffer(message.data, np.uint8)
    except (TypeError, ValueError, BufferError) as error:
        raise ImageError(f"the data of the message is not a row of bytes ({error})") from error


def _decode_with_cv_bridge(message: Any, encoding: str) -> DecodedImage:
    try:
        from cv_bridge import CvBridge

        return DecodedImage(CvBridge().imgmsg_to_cv2(message, "bgr8"), "bgr")
    except ImportError:
        raise ImageError(
            f"encoding '{encoding}' is unknown; accepted are {', '.join(ACCEPTED_ENCODINGS)} "
            "(and what cv_bridge converts, where it is installed)"
        ) from None
    except Exception as error:  # Boost and OpenCV raise many kinds of exceptions
        raise ImageError(f"encoding '{encoding}': cv_bridge refused it ({error})") from error
