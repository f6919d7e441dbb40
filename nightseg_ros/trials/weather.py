# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Adds fog, rain or snow to an RGB frame of any light, the same for the same seed.

Nothing is known of the depth of a frame. Fog takes the ground plane for it: contrast is lost
towards the horizon and most of all above it. What real weather does to a street (wet roads that
mirror lamps, white ground, drops on the lens) is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Pixels = NDArray[np.float32]
HORIZON = 0.45
"""Its usual place, from the top, in frames of driving cameras."""
STRENGTHS = (0.25, 0.5, 1.0)
"""Light, moderate and heavy."""


def weathered(name: str, strength: float, image: Image, seed: int = 0) -> Image:
    """Return `image` in the weather `name`, from 0 (none) to 1 (heavy)."""
    pixels = image.astype(np.float32)
    added = WEATHER[name](pixels, strength, np.random.default_rng(seed))
    return np.asarray(np.clip(added + 0.5, 0, 255), np.uint8)


def _fog(pixels: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Attenuate by distance, and add the light that the fog scatters, with halos of lamps."""
    height, width = pixels.shape[:2]
    row = (np.arange(height, dtype=np.float32) / height)[:, None]
    below = 0.06 / np.maximum(row - HORIZON, 0.06)
    above = 1.0 - 0.3 * np.maximum(HORIZON - row, 0.0) / HORIZON  # roofs and trees are nearer
    distance = np.where(row > HORIZON, below, above)
    patches = _blurred(rng.standard_normal((3, 5)), 0.0, (width, height))
    kept = np.exp(-3.5 * strength * distance * np.clip(1.0 + 0.2 * patches, 0.6, 1.4))[..., None]
    light = _airlight(pixels)
    lamps = _blurred(np.maximum(pixels - light - 100.0, 0.0), 0.04 * width)
    return np.asarray(pixels * kept + (light + 2.0 * lamps) * (1.0 - kept))


def _rain(pixels: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Dim and blur the frame, veil it a little, and draw streaks of falling drops."""
    height, width = pixels.shape[:2]
    light = _airlight(pixels)
    wet = _blurred(pixels, 0.0025 * strength * width)
    wet = 0.25 * strength * light + (1.0 - 0.45 * strength) * wet
    length = max(3, int(0.05 * height))
    fall = np.zeros((length, length), np.float32)
    lean = int(length * rng.uniform(-0.3, 0.3))
    middle = length // 2
    cv2.line(fall, (middle - lean // 2, 0), (middle + lean // 2, length - 1), 1.0)
    drops = (rng.random((height, width), np.float32) < 0.004 * strength).astype(np.float32)
    streaks = np.clip(cv2.filter2D(drops, -1, fall), 0.0, 1.0)[..., None]
    return np.asarray(wet + (light + 40.0 - wet) * 0.35 * streaks)


def _snow(pixels: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Veil and brighten the frame, and draw flakes: small ones far away, few large ones near."""
    height, width = pixels.shape[:2]
    light = _airlight(pixels)
    seen = pixels + (light + 20.0 - pixels) * 0.35 * strength
    for size, share in ((0.0012, 0.004), (0.0025, 0.001), (0.006, 0.00015)):
        flakes = (rng.random((height, width), np.float32) < share * strength).astype(np.float32)
        radius = max(0.6, size * width)
        soft = np.clip(_blurred(flakes, radius) * 4.0 * radius * radius, 0.0, 0.9)[..., None]
        seen = seen + (light + 70.0 - seen) * soft
    return np.asarray(seen)


WEATHER: Mapping[str, Callable[[Pixels, float, np.random.Generator], Pixels]] = {
    "fog": _fog,
    "rain": _rain,
    "snow": _snow,
}


def _airlight(pixels: Pixels) -> Pixels:
    """Return the colour of scattered light: that of the brighter part of the frame, greyed."""
    small = cv2.resize(pixels, (64, 36), interpolation=cv2.INTER_AREA).reshape(-1, 3)
    luma = small.mean(axis=1)
    bright = small[luma >= np.quantile(luma, 0.75)].mean(axis=0)
    return np.asarray(0.3 * bright + 0.7 * bright.mean(), np.float32)


def _blurred(
    values: NDArray[np.floating], sigma: float, size: tuple[int, int] | None = None
) -> Pixels:
    """Return values blurred, and of this width and height where it is given."""
    soft = np.asarray(values, np.float32)
    if size is not None:
        soft = np.asarray(cv2.resize(soft, size, interpolation=cv2.INTER_CUBIC))
    elif sigma > 8.0:  # as good at a quarter of the size, and quick
        small = cv2.resize(soft, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), sigma / 4)
        soft = np.asarray(cv2.resize(small, (soft.shape[1], soft.shape[0])))
    elif sigma > 0.0:
        soft = np.asarray(cv2.GaussianBlur(soft, (0, 0), sigma))
    return soft
