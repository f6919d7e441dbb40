# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Classical ways to brighten a night frame: what a learned translator has to beat."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def gamma(image: Image, exponent: float = 0.5) -> Image:
    """Return RGB with every value raised to `exponent`, on a scale of 0 to 1.

    >>> gamma(np.full((1, 1, 3), 64, np.uint8))[0, 0]
    array([128, 128, 128], dtype=uint8)
    """
    table = np.rint(255.0 * (np.arange(256) / 255.0) ** exponent).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), np.uint8)


def clahe(image: Image, clip: float = 2.0, tiles: int = 8) -> Image:
    """Return RGB whose lightness is equalised tile by tile, with limited contrast."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    equaliser = cv2.createCLAHE(clipLimit=clip, tileGridSize=(tiles, tiles))
    lab[:, :, 0] = equaliser.apply(lab[:, :, 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)
