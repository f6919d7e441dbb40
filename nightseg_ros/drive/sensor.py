# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The camera's sensor: motion blur, glare, exposure, tone curve, vignette and noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.drive.planes import scale

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
_STEPS = 4096
_KEY = 0.21
_DIM = 0.1
"""Below this mean radiance the exposure compensates less: the night may look like night."""
_SHARP_M = 22.0
"""Objects beyond about this distance in metres move too little to be blurred."""
_WHITE = 8.0
"""The exposed radiance beyond which the tone curve is white."""


def _tone_curve() -> NDArray[np.uint8]:
    """Return 8-bit sRGB by the square root of exposed radiance, with soft highlights."""
    x = (np.arange(_STEPS) / (_STEPS - 1)) ** 2 * _WHITE
    film = (x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14)
    film = np.clip(film, 0, 1)
    srgb = np.where(film < 0.0031308, 12.92 * film, 1.055 * film ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * srgb), np.uint8)


class Sensor:
    """Keeps the exposure from frame to frame, like a camera."""

    def __init__(self, size: tuple[int, int], rng: np.random.Generator) -> None:
        width, height = size
        self._size = size
        self._rng = rng
        self._exposure: float | None = None
        self._curve = _tone_curve()
        tall, wide = height + 64, width + 64
        grain = rng.standard_normal((tall, wide, 3), np.float32)
        blotch = (
            cv2.GaussianBlur(rng.standard_normal((tall, wide, 3), np.float32), (0, 0), 1.2) * 2.0
        )
        self._noise = (0.8 * grain + 0.5 * blotch).astype(np.float32)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        distance = np.hypot((x - width / 2) / width, (y - height / 2) / width)
        self._vignette = (1 / (1 + (0.9 * distance) ** 2) ** 2)[..., None].astype(np.float32)

    def expose(
        self,
        radiance: NDArray,
        depth: NDArray,
        *,
        rate: float,
        blur: float,
        centre: tuple[float, float],
    ) -> NDArray[np.uint8]:
        """Return the (H, W, 3) uint8 RGB image of linear radiance.

        `rate` is how far (0..1) the exposure follows the scene in this frame, `blur` how much near
        objects grow around `centre` while the shutter is open; `depth` is in metres.
        """
        target = self._metered(radiance)
        if self._exposure is None:
            self._exposure = target
        self._exposure *= (target / self._exposure) ** rate
        exposed = radiance * np.float32(self._exposure)
        gain = self._exposure
        if blur > 0:
            self._streak(exposed, depth, blur, centre)
        exposed += self._glare(exposed)
        exposed *= self._vignette
        np.clip(exposed, 0, _WHITE, out=exposed)
        self._add_noise(exposed, gain)
        np.sqrt(np.maximum(exposed, 0, out=exposed), out=exposed)
        exposed *= np.float32((_STEPS - 1) / np.sqrt(_WHITE))
        return np.asarray(self._curve[np.minimum(exposed, _STEPS - 1).astype(np.int16)])

    def _metered(self, radiance: NDArray) -> float:
        """Return the exposure of an automatic camera; it leaves the night dark."""
        small = cv2.resize(radiance, (64, 36), interpolation=cv2.INTER_AREA) @ _LUMA
        weight = np.linspace(0.8, 1.2, 36, dtype=np.float32)[:, None]
        level = float(np.exp((np.log(small + 1e-4) * weight).sum() / (weight.sum() * 64)))
        if level > _DIM:
            return float(_KEY / level**0.8)
        return float(_KEY / _DIM**0.8 * (_DIM / level) ** 0.34)

    def _streak(
        self, image: NDArray, depth: NDArray, blur: float, centre: tuple[float, float]
    ) -> None:
        """Blur near objects away from the point that the camera drives towards."""
        total = image.copy()
        for part in (0.5, 1.0):
            zoom = 1 + blur * part
            shift_x, shift_y = (place * (1 - zoom) for place in centre)
            matrix = np.array([[zoom, 0, shift_x], [0, zoom, shift_y]], np.float32)
            total += cv2.warpAffine(
                image, matrix, self._size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        total *= np.float32(1 / 3)
        total -= image
        scale(total, np.clip(_SHARP_M / depth - 0.15, 0, 1))
        image += total

    def _glare(self, exposed: NDArray) -> NDArray:
        """Return the light that bright spots spread over their surroundings."""
        width, height = self._size
        quarter = cv2.resize(exposed, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
        bright = np.minimum(np.maximum(quarter - 0.9, 0), 60)
        unit = width / 640
        glare = 0.10 * cv2.GaussianBlur(bright, (0, 0), 1.3 * unit)
        glare += 0.055 * cv2.GaussianBlur(bright, (0, 0), 4.0 * unit)
        eighth = cv2.resize(bright, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
        wide = cv2.GaussianBlur(eighth, (0, 0), 8.0 * unit)
        glare += 0.05 * cv2.resize(wide, (width // 4, height // 4), interpolation=cv2.INTER_LINEAR)
        return np.asarray(cv2.resize(glare, (width, height), interpolation=cv2.INTER_LINEAR))

    def _add_noise(self, exposed: NDArray, gain: float) -> None:
        """Add shot and read noise; both grow with the gain."""
        width, height = self._size
        top, left = (int(v) for v in self._rng.integers(0, 64, 2))
        noise = self._noise[top : top + height, left : left + width]
        amount = np.float32(0.0009 * gain**0.75)
        spread = np.sqrt(exposed * amount * np.float32(0.22) + amount * amount * np.float32(0.05))
        exposed += spread * noise
