# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How much light a scene gets, as one number from 0 (black) to 1 (daylight)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROWS = 45
"""The frame is sampled on a grid of about this many rows; more changes the result by < 0.01."""
CAP = 128.0
"""Luma from which a pixel counts as fully lit."""

_LUMA = {
    "rgb": (0.299, 0.587, 0.114),
    "bgr": (0.114, 0.587, 0.299),
    "rgba": (0.299, 0.587, 0.114, 0.0),
    "bgra": (0.114, 0.587, 0.299, 0.0),
}
_WEIGHTS = {order: np.asarray(weights, np.float32) for order, weights in _LUMA.items()}


def estimate_illumination(image: NDArray[np.uint8], order: str = "rgb") -> float:
    """Return the mean luma of the upper half, each pixel capped at 128, divided by 128.

    The upper half, because the sky tells day from night while the road below is lit by
    headlights; capped, because a street lamp is bright but a night with lamps is still a night.

    >>> estimate_illumination(np.full((90, 160, 3), 255, np.uint8))
    1.0
    """
    height = image.shape[0]
    step = max(1, height // ROWS)
    half = max(1, height // 2)
    sample = image[step // 2 : max(half, step // 2 + 1) : step, step // 2 :: step]
    if sample.size == 0:  # narrower than half a step: a sliver, take all of it
        sample = image
    luma = sample if sample.ndim == 2 else sample @ _WEIGHTS[order]
    return float(np.minimum(luma, np.float32(CAP)).mean(dtype=np.float64) / CAP)
