# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Locates every pixel: camera coordinates, street coordinates and the grain of its material."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.drive import texture
from nightseg_ros.drive.camera import Camera
from nightseg_ros.drive.painter import Paint
from nightseg_ros.drive.planes import wrapped

if TYPE_CHECKING:
    from nightseg_ros.drive.street import Street


@dataclass(frozen=True)
class Surface:
    """Planes of one frame, all (H, W) float32 in metres."""

    x: NDArray
    """To the right of the camera."""
    y: NDArray
    """Below the camera, along its tilted axis."""
    z: NDArray
    """Depth."""
    across: NDArray
    """Street x."""
    height: NDArray
    """Street y."""
    along: NDArray
    """Street s."""
    owner: NDArray
    """Row of the face in the tables of the paint."""
    paint: Paint
    start: float
    """A whole number of tiles, not far behind the camera."""

    @cached_property
    def level(self) -> NDArray:
        """Whether each of the (N,) faces is level ground."""
        return np.asarray(self.paint.normal[:, 1] < -0.8)

    def normals(self) -> tuple[NDArray, NDArray, NDArray]:
        """Return the three planes of the shading normal in camera axes."""
        table = self.paint.normal
        return tuple(np.take(np.ascontiguousarray(table[:, i]), self.owner) for i in range(3))  # type: ignore[return-value]


def depth(paint: Paint, camera: Camera) -> NDArray:
    """Return the (H, W) depth of every pixel in metres."""
    rx, ry = camera.rays
    owner = paint.owner.astype(np.intp)
    a, b, c = (np.take(np.ascontiguousarray(paint.plane[:, i]), owner) for i in range(3))
    inverse = a * rx
    inverse += b * ry
    inverse += c
    low, high = (np.take(np.ascontiguousarray(paint.span[:, i]), owner) for i in range(2))
    np.clip(inverse, low, high, out=inverse)
    return np.asarray(np.reciprocal(inverse, out=inverse))


def locate(paint: Paint, camera: Camera, street: Street, x: float, s: float) -> Surface:
    """Locate every pixel; (x, s) is the camera in street coordinates."""
    rx, ry = camera.rays
    owner = paint.owner.astype(np.intp)
    z = depth(paint, camera)
    px, py = z * rx, z * ry
    sin, cos = np.float32(np.sin(camera.pitch)), np.float32(np.cos(camera.pitch))
    ahead = cos * z - sin * py
    height = np.float32(camera.position[1]) - (cos * py + sin * z)
    across = px + np.float32(x) - _bend(street, camera, x, s, ahead)
    start = texture.METRES * np.floor(s / texture.METRES)
    return Surface(px, py, z, across, height, ahead + np.float32(s), owner, paint, start)


def _bend(street: Street, camera: Camera, x: float, s: float, ahead: NDArray) -> NDArray:
    """Return how far the street has turned to the right at each distance ahead (a cubic)."""
    at = np.arange(0.0, 130.0, 5.0)
    line = np.stack([np.full_like(at, x), np.zeros_like(at), s + at], 1)
    offset = street.to_world(line) - camera.position
    level = Camera(camera.size, camera.position, camera.yaw, 0.0).rotation
    right, forward = offset @ level[0], offset @ level[2]
    powers = np.stack([forward, forward**2, forward**3], 1)
    one, two, three = np.linalg.lstsq(powers, right, rcond=None)[0].astype(np.float32)
    z = np.minimum(ahead, 140)
    return np.asarray(((three * z + two) * z + one) * z)


def grain(surface: Surface, tiles: NDArray) -> NDArray:
    """Return the (H, W) factor of the materials on the colours."""
    paint = surface.paint
    normal = paint.normal
    sideways = (np.abs(normal[:, 0]) > np.abs(normal[:, 2])) & ~surface.level
    along_wall = np.take(sideways.astype(np.float32), surface.owner)
    on_ground = np.take(surface.level.astype(np.float32), surface.owner)
    scale = np.float32(texture.TILE / texture.METRES)
    # Relative to the camera, so that products of large s keep their precision.
    along = surface.along - np.float32(surface.start)
    u = surface.across + along_wall * (along - surface.across)
    v = surface.height + on_ground * (along - surface.height)
    u, v = wrapped(u * scale, texture.TILE), wrapped(v * scale, texture.TILE)
    u += np.take(paint.material.astype(np.float32) * texture.STRIDE, surface.owner)
    found: NDArray = cv2.remap(tiles, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    rate = np.take((1 / texture.FADE**2)[paint.material], surface.owner)
    found -= 1
    found /= 1 + rate * surface.z * surface.z
    found += 1
    return np.asarray(found)
