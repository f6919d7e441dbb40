# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Flicker: the share of pixels that change their class while they show the same thing.

Optical flow says where each pixel was in the frame before; pixels where forward and backward flow
do not agree (occlusions, borders, what the flow cannot follow) do not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

WIDTH = 256
"""Images and masks are compared at this width."""
HEIGHTS = 16, 512
"""OpenCV crashes below 16 rows; more than 512 take too long."""
AGREES = 1.0
"""Pixels by which forward and backward flow may differ."""
LEAST = 0.1
"""With a smaller share of followed pixels the frames do not show the same scene."""
AROUND = [np.array((x, y), np.float32) for y in (-1, 0, 1) for x in (-1, 0, 1)]


@dataclass(frozen=True)
class Motion:
    """Where each pixel of a frame was in the frame before: (H, W, 2) x and y."""

    places: NDArray[np.float32]
    followed: NDArray[np.bool_]
    """(H, W) whether that is known."""

    def flicker(self, before: Image, mask: Image) -> float | None:
        """Return the share of followed pixels whose class was nowhere near the place before.

        Both masks have the size of this motion. One pixel around the place counts as well, so that
        a border between two classes does not flicker because it lies between two pixels.
        """
        if self.followed.mean() < LEAST:
            return None
        kept = np.zeros(mask.shape, bool)
        for step in AROUND:
            kept |= _taken(before, self.places + step, cv2.INTER_NEAREST) == mask
        return 1.0 - float(kept[self.followed].mean())


def motion(before: Image, now: Image) -> Motion:
    """Return the motion between two grey images of the same size, see `compared`."""
    preset = cv2.DISOPTICAL_FLOW_PRESET_FAST
    flow = cv2.DISOpticalFlow_create(preset)  # type: ignore[attr-defined]
    flow.setFinestScale(1)  # the preset stops at a quarter of an image that is small
    flow.setVariationalRefinementIterations(1)
    back, forth = flow.calc(now, before, None), flow.calc(before, now, None)
    height, width = now.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    places = np.dstack([columns, rows]) + back
    inside = ((places >= 0) & (places <= (width - 1, height - 1))).all(axis=2)
    apart = np.linalg.norm(_taken(forth, places, cv2.INTER_LINEAR) + back, axis=2)
    return Motion(places, inside & (apart < AGREES))


def _taken(values: NDArray[Any], places: NDArray[np.float32], how: int) -> NDArray[Any]:
    """Return the value at each place; beyond the border that of the border."""
    return cv2.remap(  # type: ignore[call-overload,no-any-return]
        values, places, None, how, borderMode=cv2.BORDER_REPLICATE
    )


def compared(image: Image, interpolation: int = cv2.INTER_NEAREST_EXACT) -> Image:
    """Return an image or a mask at the size of the comparison."""
    height, width = image.shape[:2]
    size = WIDTH, int(np.clip(WIDTH * height // width, *HEIGHTS))
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)
