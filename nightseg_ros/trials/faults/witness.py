# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Knows what every frame's mask must be, and records each one that differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.perception.image_headers import ImageError
from nightseg_ros.perception.image_messages import decode, mask_pixels

if TYPE_CHECKING:
    from nightseg_ros.perception.pipeline import Pipeline

Stamp = tuple[int, int]
Pixels = NDArray[np.uint8]


class Witness:
    """Compares masks with those of a pipeline of its own, which has the engines of the node."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._due: dict[Stamp, list[Pixels | None]] = {}
        """The masks expected for each stamp; some malformed images share one."""
        self.wrong: list[str] = []
        self.good = 0
        self.answered: set[Stamp] = set()

    def expect(self, message: Any) -> None:
        """Note the mask expected for an image message; none where it is malformed."""
        stamp = message.header.stamp
        self._due.setdefault((stamp.sec, stamp.nanosec), []).append(self._mask_of(message))

    def see(self, mask: Any) -> None:
        """Compare a mask with the expected one."""
        stamp = mask.header.stamp.sec, mask.header.stamp.nanosec
        if stamp not in self._due:
            self.wrong.append(f"mask with stamp {stamp[0]}.{stamp[1]:09d}, which no frame had")
            return
        due = [mask for mask in self._due[stamp] if mask is not None]
        if not due:
            self.wrong.append(f"mask for a frame that is no image, stamp {stamp[0]}")
            return
        try:
            found = mask_pixels(mask)
        except ImageError as error:
            self.wrong.append(f"invalid mask: {error}")
            return
        if not any(np.array_equal(found, mask) for mask in due):
            self.wrong.append(f"wrong mask for stamp {stamp[0]}.{stamp[1]:09d}")
            return
        self.good += 1
        self.answered.add(stamp)

    def forget(self) -> None:
        """Drop what is long past; the masks of a moment ago may still be on their way."""
        for stamp in list(self._due)[:-200]:
            del self._due[stamp]
            self.answered.discard(stamp)

    def _mask_of(self, message: Any) -> Pixels | None:
        sec, nanosec = message.header.stamp.sec, message.header.stamp.nanosec
        if sec < 0 or nanosec >= 1_000_000_000:
            return None
        try:
            image = decode(message)
        except ImageError:
            return None
        mask = self._pipeline.process(image.pixels, image.order).mask
        return np.array(mask)
