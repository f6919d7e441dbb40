# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pairs each mask with the image it was made from, by their equal stamps."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

Stamp = tuple[int, int]


class FramePairs:
    """Keeps images until their mask arrives; bounded in number and in bytes.

    A mask arrives later than its image by the latency of the segmentation node, and most images
    never get one, because that node skips frames. Once a mask has arrived, older images are no
    longer needed. Two topics have no common order, so the newest mask waits for its image too.
    """

    def __init__(
        self, on_pair: Callable[[Any, Any], None], most: int = 60, most_bytes: int = 256 << 20
    ) -> None:
        self._on_pair = on_pair
        self._most, self._most_bytes = most, most_bytes
        self._images: OrderedDict[Stamp, Any] = OrderedDict()
        self._bytes = 0
        self._mask: tuple[Stamp, Any] | None = None

    def __len__(self) -> int:
        return len(self._images)

    def image(self, message: Any) -> None:
        """Add an image; if its mask is waiting, the pair is complete."""
        stamp = _stamp(message)
        if self._mask is not None and self._mask[0] == stamp:
            mask, self._mask = self._mask[1], None
            self._on_pair(message, mask)
            return
        self._drop(stamp)
        self._images[stamp] = message
        self._bytes += len(message.data)
        while len(self._images) > self._most or self._bytes > self._most_bytes:
            self._drop(next(iter(self._images)))

    def mask(self, message: Any) -> None:
        """Add a mask; if its image is here, the pair is complete and older images are dropped."""
        stamp = _stamp(message)
        image = self._images.get(stamp)
        if image is None:
            self._mask = (stamp, message)
            return
        while self._drop(next(iter(self._images))) != stamp:
            pass
        self._mask = None
        self._on_pair(image, message)

    def clear(self) -> None:
        """Drop all images and masks."""
        self._images.clear()
        self._bytes, self._mask = 0, None

    def _drop(self, stamp: Stamp) -> Stamp:
        image = self._images.pop(stamp, None)
        if image is not None:
            self._bytes -= len(image.data)
        return stamp


def _stamp(message: Any) -> Stamp:
    return message.header.stamp.sec, message.header.stamp.nanosec
