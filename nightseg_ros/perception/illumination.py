# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The illumination of a scene, from 0 (black) to 1 (daylight), and ways to brighten it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

ROWS = 45
"""The frame is sampled on a grid of about this many rows; more changes the result by < 0.01."""
SKY = 160.0
"""Luma from which a pixel of the upper quarter counts as fully lit."""
GROUND = 64.0
"""The same for the rest of the image."""
SKY_SHARE = 0.7
"""Weight of the upper quarter."""

_LUMA = {
    "rgb": (0.299, 0.587, 0.114),
    "bgr": (0.114, 0.587, 0.299),
    "rgba": (0.299, 0.587, 0.114, 0.0),
    "bgra": (0.114, 0.587, 0.299, 0.0),
}
_WEIGHTS = {order: np.asarray(weights, np.float32) for order, weights in _LUMA.items()}


def estimate_illumination(image: NDArray[np.uint8], order: str = "rgb") -> float:
    """Return the weighted brightness of the upper quarter and of the rest of the frame.

    The upper quarter has the larger weight, because the sky distinguishes day from night while
    headlights light the road. The rest counts too, because trees and narrow streets hide the sky.
    Each pixel counts up to a cap only, so that street lamps do not turn night into day. Below the
    sky the cap is low: there the share of lit pixels matters.

    >>> estimate_illumination(np.full((90, 160, 3), 255, np.uint8))
    1.0
    """
    luma = sampled_luma(image, order)
    quarter = luma.shape[0] // 4
    sky, ground = luma[: max(1, quarter)], luma[quarter:]
    return SKY_SHARE * _lit(sky, SKY) + (1.0 - SKY_SHARE) * _lit(ground, GROUND)


def sampled_luma(image: NDArray[np.uint8], order: str) -> NDArray[Any]:
    """Return the luma of a grid of pixels."""
    step = max(1, image.shape[0] // ROWS)
    sample = image[step // 2 :: step, step // 2 :: step]
    if sample.size == 0:  # narrower than half a step: use all of it
        sample = image
    return sample if sample.ndim == 2 else np.asarray(sample @ _WEIGHTS[order])


def _lit(luma: NDArray[Any], cap: float) -> float:
    """Return the mean of `luma`, each pixel capped, as a share of the cap."""
    return float(np.minimum(luma, np.float32(cap)).mean(dtype=np.float64) / cap)


Image = NDArray[np.uint8]


def gamma(image: Image, exponent: float = 0.5) -> Image:
    """Return RGB with every value raised to `exponent`, on a scale of 0 to 1.

    >>> gamma(np.full((1, 1, 3), 64, np.uint8))[0, 0]
    array([128, 128, 128], dtype=uint8)
    """
    table = np.rint(255.0 * (np.arange(256) / 255.0) ** exponent).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), np.uint8)


def clahe(image: Image, clip: float = 2.0, tiles: int = 8) -> Image:
    """Return RGB with its lightness equalised tile by tile, with limited contrast."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    equaliser = cv2.createCLAHE(clipLimit=clip, tileGridSize=(tiles, tiles))
    lab[:, :, 0] = equaliser.apply(lab[:, :, 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)
