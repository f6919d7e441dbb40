# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fits an image of any size into the input size of a network, and its maps back."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError

Image = NDArray[np.uint8]

TO_RGB: dict[str, int | None] = {
    "rgb": None,
    "bgr": cv2.COLOR_BGR2RGB,
    "rgba": cv2.COLOR_RGBA2RGB,
    "bgra": cv2.COLOR_BGRA2RGB,
    "gray": cv2.COLOR_GRAY2RGB,
}
"""The channel orders of frames; colours are converted after the resize, on the small image."""
TO_GRAY = {
    "rgb": cv2.COLOR_RGB2GRAY,
    "bgr": cv2.COLOR_BGR2GRAY,
    "rgba": cv2.COLOR_RGBA2GRAY,
    "bgra": cv2.COLOR_BGRA2GRAY,
}
CHANNELS = {"rgb": 3, "bgr": 3, "rgba": 4, "bgra": 4, "gray": 1}


def to_gray(image: Image, order: str) -> Image:
    """Return the luma of an image with these channels."""
    return image if order == "gray" else np.asarray(cv2.cvtColor(image, TO_GRAY[order]), np.uint8)


class Letterbox:
    """The fixed geometry between one source size and one target size, both (height, width).

    The whole image is scaled by one factor and centred; the bars around it are black. Buffers
    are allocated once, so an instance serves one thread, and `apply` returns the same array
    each time.
    """

    def __init__(self, source_hw: tuple[int, int], target_hw: tuple[int, int]) -> None:
        if min(*source_hw, *target_hw) < 1:
            raise NightsegError(f"cannot fit an image of {source_hw} into {target_hw}: no pixels")
        self.source_hw = source_hw
        self.target_hw = target_hw
        (source_h, source_w), (target_h, target_w) = source_hw, target_hw
        # Integer arithmetic: a product of floats could be one pixel off for exact ratios.
        if target_w * source_h <= target_h * source_w:
            inner_h, inner_w = max(1, _round_div(source_h * target_w, source_w)), target_w
        else:
            inner_h, inner_w = target_h, max(1, _round_div(source_w * target_h, source_h))
        self.inner_hw = (inner_h, inner_w)
        self.top, self.left = (target_h - inner_h) // 2, (target_w - inner_w) // 2
        self._target = np.zeros((target_h, target_w, 3), np.uint8)
        self._inner = self.crop(self._target)
        self._small: dict[int, Image] = {}
        self._rows = _cells(source_h, inner_h)
        self._columns = _cells(source_w, inner_w)
        self._wide = np.empty((inner_h, source_w), np.uint8)

    def crop(self, array: Image) -> Image:
        """Return the part of a target-sized array that shows the image, as a view."""
        rows = slice(self.top, self.top + self.inner_hw[0])
        return array[rows, self.left : self.left + self.inner_hw[1]]

    def apply(self, image: Image, order: str = "rgb") -> Image:
        """Return `image` as target-sized RGB in this object's buffer, C-contiguous."""
        height, width = self.inner_hw
        code = TO_RGB[order]
        if code is None:
            cv2.resize(image, (width, height), dst=self._inner, interpolation=cv2.INTER_LINEAR)
            return self._target
        small = self._small_buffer(CHANNELS[order])
        cv2.resize(image, (width, height), dst=small, interpolation=cv2.INTER_LINEAR)
        cv2.cvtColor(small, code, dst=self._inner)
        return self._target

    def undo(self, mask: Image, out: Image | None = None) -> Image:
        """Return a target-sized map at the source's size, into `out` where one is given.

        Every pixel gets the value of the cell that contains its centre, as INTER_LINEAR aligned
        centres on the way in. Two takes over precomputed indices are as fast as OpenCV, whose
        nearest neighbours differ between versions.
        """
        _check_buffer(out, self.source_hw)
        full = np.empty(self.source_hw, np.uint8) if out is None else out
        # Out of range cannot happen; "clip" only stops numpy from buffering the output.
        np.take(self.crop(mask), self._columns, axis=1, out=self._wide, mode="clip")
        np.take(self._wide, self._rows, axis=0, out=full, mode="clip")
        return full

    def cut(self, mask: Image, out: Image | None = None) -> Image:
        """Return a target-sized map without its bars, into `out` where one is given."""
        _check_buffer(out, self.inner_hw)
        if out is None:
            return np.array(self.crop(mask), np.uint8)
        np.copyto(out, self.crop(mask))
        return out

    def _small_buffer(self, channels: int) -> Image:
        if channels not in self._small:
            shape = self.inner_hw if channels == 1 else (*self.inner_hw, channels)
            self._small[channels] = np.empty(shape, np.uint8)
        return self._small[channels]


def _check_buffer(out: Image | None, size: tuple[int, int]) -> None:
    # OpenCV would silently allocate another array and leave a wrong one untouched.
    if out is not None and (out.shape != size or out.dtype != np.uint8):
        raise NightsegError(
            f"the buffer for a map is {out.dtype} {list(out.shape)}, need uint8 {list(size)}"
        )


def _cells(pixels: int, cells: int) -> NDArray[np.intp]:
    """Return the cell that the centre of each pixel lies in; on a border, the one behind it."""
    return (2 * np.arange(pixels, dtype=np.intp) + 1) * cells // (2 * pixels)


def _round_div(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
