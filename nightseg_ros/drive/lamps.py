# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Artificial light: street lamps, tunnel lamps, our headlights and those of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.drive.ground import TUNNEL_HALF
from nightseg_ros.drive.planes import tinted
from nightseg_ros.drive.tunnel import TUNNEL_HEIGHT, TUNNEL_LAMP_STEP

if TYPE_CHECKING:
    from nightseg_ros.drive.camera import Camera
    from nightseg_ros.drive.surface import Surface

SODIUM = np.array([1.0, 0.68, 0.36], np.float32)
TUNNEL_LIGHT = np.array([1.0, 0.74, 0.42], np.float32)
XENON = np.array([1.0, 0.96, 0.86], np.float32)
RED = np.array([1.0, 0.08, 0.04], np.float32)


@dataclass(frozen=True)
class Lamp:
    """A light in camera coordinates that shines most along `aim`."""

    position: NDArray
    aim: NDArray
    color: NDArray
    power: float
    focus: float
    """0 lights the half space of `aim`; values towards 1 narrow the beam."""
    radius: float
    """Metres beyond which its light is neglected."""


def add_lamps(light: NDArray, lamps: Sequence[Lamp], surface: Surface, camera: Camera) -> None:
    """Add the light of each lamp to the (H, W, 3) irradiance.

    Lamp light is smooth, so half the resolution is enough.
    """
    if not lamps:
        return
    half = (slice(None, None, 2), slice(None, None, 2))
    x, y, z = (np.ascontiguousarray(plane[half]) for plane in (surface.x, surface.y, surface.z))
    owner = np.ascontiguousarray(surface.owner[half])
    normal = [np.take(np.ascontiguousarray(surface.paint.normal[:, i]), owner) for i in range(3)]
    pool = np.zeros((*owner.shape, 3), np.float32)
    for lamp in lamps:
        part = _reach(lamp, camera)
        if part is None:
            continue
        px, py, pz = lamp.position.astype(np.float32)
        toward = [px - x[part], py - y[part], pz - z[part]]
        square = toward[0] * toward[0]
        square += toward[1] * toward[1]
        square += toward[2] * toward[2]
        square += np.float32(0.3)
        beam = _dot(toward, -lamp.aim)
        np.maximum(beam, 0, out=beam)
        distance = np.sqrt(square)
        if lamp.focus:
            beam *= beam
            beam /= square
            beam = np.maximum(beam - np.float32(lamp.focus), 0) * distance
        facing = _dot(toward, [plane[part] for plane in normal])
        # Surfaces slightly beyond grazing still get some light, reflected by other surfaces.
        distance *= np.float32(0.12)
        facing += distance
        np.maximum(facing, 0, out=facing)
        beam *= facing
        beam /= square * square
        beam *= np.maximum(1 - square * np.float32(1 / lamp.radius**2), 0)
        pool[part] += tinted(beam, lamp.color * lamp.power)
    light += cv2.resize(pool, camera.size, interpolation=cv2.INTER_LINEAR)


def _dot(vectors: Sequence[NDArray], factors: Sequence[NDArray] | NDArray) -> NDArray:
    total = vectors[0] * factors[0]
    total += vectors[1] * factors[1]
    total += vectors[2] * factors[2]
    return np.asarray(total)


def _reach(lamp: Lamp, camera: Camera) -> tuple[slice, slice] | None:
    """Return the rows and columns, at half size, that can be lit; None if there are none."""
    width, height = camera.size
    depth = float(lamp.position[2])
    if depth + lamp.radius < 0.5:
        return None
    if depth <= lamp.radius + 0.5:
        return slice(None), slice(None)
    reach = lamp.radius * camera.focal / (depth - lamp.radius)
    u, v = camera.project(lamp.position[None])[0]
    left, right = max(0, int(u - reach) // 2), min(width, int(u + reach)) // 2 + 1
    top, bottom = max(0, int(v - reach) // 2), min(height, int(v + reach)) // 2 + 1
    return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None


def headlights(surface: Surface, camera: Camera) -> NDArray:
    """Return the (H, W) irradiance of our own low beam."""
    rx, ry = camera.rays
    sin, cos = np.float32(np.sin(camera.pitch)), np.float32(np.cos(camera.pitch))
    z = np.maximum(surface.z, 1.5)
    # The lamps are 0.7 m below the camera, so elevation is measured from there.
    up = -(cos * ry + sin) + np.float32(0.7) / z
    side = np.abs(rx - 0.02)
    cutoff = np.clip((0.012 + 0.05 * np.maximum(rx, 0) - up) / 0.03, 0, 1)
    depth = np.maximum(-up, 0)
    band = 1 / (1 + (depth / 0.055) ** 2) + 0.14
    wide = cv2.exp(-((side / (0.2 + 1.9 * depth)) ** 2))
    pattern = cutoff * band * wide + 0.012
    _, ny, nz = surface.normals()
    level = np.maximum(-ny, 0)
    facing = level * np.minimum(0.2 + 1.2 / z, 0.5) + np.maximum(-nz, 0.12 * (1 - level))
    return np.asarray(pattern * facing / (1 + (z / 15) ** 2), np.float32)


def tunnel_masks(surface: Surface, tunnel: tuple[float, float]) -> tuple[NDArray, NDArray]:
    """Return the daylight (1 outside) and the tunnel light of every pixel."""
    begin, end = tunnel
    depth = np.minimum(surface.along - np.float32(begin), np.float32(end) - surface.along)
    # With a margin for the error of street coordinates in a bend; outside the portal the daylight
    # is 1 anyway.
    near = (np.abs(surface.across) < TUNNEL_HALF + 1) & (surface.height < TUNNEL_HEIGHT + 1)
    inside = (depth > -0.05) & near
    depth = np.maximum(depth, 0)
    if not inside.any():
        return np.ones_like(depth), np.zeros_like(depth)
    covered = inside.astype(np.float32)
    daylight = 1 - covered * (1 - cv2.exp(depth * np.float32(-1 / 3.0)))
    wave = np.cos(
        (surface.along - np.float32(begin + 2.2)) * np.float32(2 * np.pi / TUNNEL_LAMP_STEP)
    )
    lit = (0.72 + 0.28 * wave) * np.clip(1.15 - 0.11 * surface.height, 0.35, 1.15)
    return daylight, np.asarray(covered * lit, np.float32)
