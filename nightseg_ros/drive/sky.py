# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The sky in linear light: a gradient, clouds, the glow around the sun, the sun itself, stars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.drive.planes import scale, tinted, wrapped

if TYPE_CHECKING:
    from nightseg_ros.drive.camera import Camera
    from nightseg_ros.drive.timeline import Moment


def sun_direction(moment: Moment) -> NDArray:
    """Return the unit world vector towards the sun."""
    height = np.radians(moment.elevation)
    flat = np.cos(height)
    return np.array(
        [np.sin(moment.azimuth) * flat, np.sin(height), np.cos(moment.azimuth) * flat], np.float32
    )


def cloud_texture(rng: np.random.Generator, size: int = 512) -> NDArray:
    """Return (size, size) float32 cloud cover 0..1 that repeats without a seam."""
    fx = np.fft.fftfreq(size)[:, None] * size
    fy = np.fft.rfftfreq(size)[None, :] * size
    frequency = np.hypot(fx, fy)
    frequency[0, 0] = 1e9
    spectrum = np.fft.rfft2(rng.standard_normal((size, size)))
    field = np.fft.irfft2(spectrum * frequency**-1.55 * (frequency > 2), s=(size, size))
    field = (field - field.mean()) / field.std()
    return np.asarray(np.clip(0.5 + 0.55 * field - 0.15, 0, 1), np.float32)


class Sky:
    """Draws the upper part of the image; the part below the horizon is fog-coloured."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._clouds = cloud_texture(rng)
        self._stars = np.zeros((512, 1024), np.float32)
        spots = rng.integers(0, (512, 1024), (420, 2))
        self._stars[spots[:, 0], spots[:, 1]] = rng.exponential(0.5, len(spots))
        self._drift = float(rng.uniform(0, 512))

    def draw(self, camera: Camera, moment: Moment, seconds: float) -> NDArray:
        """Return the (H, W, 3) linear RGB sky."""
        width, height = camera.size
        sky = tinted(np.ones((height, width), np.float32), moment.horizon)
        rx, ry = camera.rays
        horizon = int(np.clip(np.ceil(camera.horizon) + 2, 2, height))
        # Half the resolution is enough for smooth parts.
        rx, ry = rx[:, ::2], ry[: horizon + horizon % 2 : 2]
        turn = camera.rotation.T
        direction = [turn[i, 0] * rx + (turn[i, 1] * ry + turn[i, 2]) for i in range(3)]
        inverse = 1 / np.sqrt(rx * rx + ry * ry + 1)
        up = np.maximum(direction[1] * inverse, 0)
        half = tinted(cv2.exp(up * np.float32(-5.0)), moment.horizon - moment.zenith)
        half += moment.zenith
        glow = np.zeros_like(up)
        if moment.elevation > -9:
            toward = sum(
                axis * part for axis, part in zip(direction, sun_direction(moment), strict=True)
            )
            glow = np.maximum(toward * inverse, 0)
            self._add_sun(half, glow, moment)
        self._add_clouds(half, direction, glow, moment, seconds)
        if moment.elevation > 0:
            half += tinted(np.clip((glow - 0.99945) / 0.0003, 0, 1), moment.sun * 10)
        if moment.elevation < -8:
            self._add_stars(half, direction)
        rows = min(2 * half.shape[0], height)
        whole = cv2.resize(half, (width, 2 * half.shape[0]))
        sky[:rows] = whole[:rows]
        return sky

    def _add_sun(self, sky: NDArray, glow: NDArray, moment: Moment) -> None:
        """Add the glow around the sun, wide and warm where it is low."""
        warm = float(np.clip(1 - abs(moment.elevation - 4) / 16, 0, 1))
        halo = moment.horizon * np.array([1.5, 0.7, 0.25], np.float32) * (0.8 * warm)
        sky += tinted(cv2.pow(glow, 12.0), halo)
        sky += tinted(cv2.pow(glow, 160.0), moment.sun * (0.5 + 0.5 * warm))

    def _add_clouds(
        self, sky: NDArray, direction: list[NDArray], glow: NDArray, moment: Moment, seconds: float
    ) -> None:
        dx, dy, dz = direction
        far = 1 / np.maximum(dy, 0.03)
        u = (dx * far * 90 + self._drift + 2.0 * seconds).astype(np.float32)
        v = (dz * far * 90).astype(np.float32)
        cover = cv2.remap(self._clouds, wrapped(u, 510.0), wrapped(v, 510.0), cv2.INTER_LINEAR)
        cover = cover * np.clip((dy - 0.03) * 9, 0, 0.85)
        lit = 0.6 * moment.horizon + 0.25 * moment.ambient + 0.1 * moment.sun
        scale(sky, 1 - cover)
        brightness = cover * (1.12 - 0.5 * cover) * (1 + 1.2 * cv2.pow(glow, 8.0))
        sky += tinted(brightness, lit)

    def _add_stars(self, sky: NDArray, direction: list[NDArray]) -> None:
        dx, dy, dz = direction
        u = np.mod(np.arctan2(dx, dz) * 700, 1023).astype(np.float32)
        v = np.clip(np.arctan2(dy, np.hypot(dx, dz)) * 700, 0, 511).astype(np.float32)
        sky += tinted(cv2.remap(self._stars, u, v, cv2.INTER_LINEAR), (0.12, 0.12, 0.12))
