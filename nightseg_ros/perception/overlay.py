# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Masks for human eyes: colours, and a blend over the image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.labels import IGNORE
from nightseg_ros.perception.legend import draw_legend

__all__ = ["blend", "classes_in_view", "colorize", "draw_legend"]

Image = NDArray[np.uint8]


def colorize(mask: Image, palette: NDArray[np.uint8], out: Image | None = None) -> Image:
    """Return the (H, W, 3) colours of `mask`; `palette` is (256, 3) in the order wanted."""
    table = np.ascontiguousarray(palette).reshape(256, 1, 3)
    return cv2.applyColorMap(mask, table, dst=out)  # type: ignore[return-value]


def blend(
    image: Image, mask: Image, palette: NDArray[np.uint8], alpha: float, out: Image | None = None
) -> Image:
    """Return `image` under its coloured `mask`; pixels without a class stay as they are.

    `image` and `palette` have the same channel order, `alpha` is the weight of the colours.
    """
    colors = colorize(mask, palette)
    mixed = cv2.addWeighted(image, 1.0 - alpha, colors, alpha, 0.0, dst=out)
    cv2.copyTo(image, cv2.inRange(mask, IGNORE, IGNORE), dst=mixed)
    return mixed  # type: ignore[return-value]


def classes_in_view(mask: Image, least_share: float = 0.001) -> list[int]:
    """Return the ids that cover at least `least_share` of the mask, in the order of ids.

    By id and not by area, so that the rows of a legend do not jump about in a video.
    """
    sample = mask[::4, ::4] if min(mask.shape) >= 64 else mask
    counts = np.bincount(sample.ravel(), minlength=256)[:IGNORE]
    return [int(i) for i in np.flatnonzero(counts) if counts[i] >= least_share * sample.size]
