# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Paints faces from far to near: a colour image with soft edges, and the face of each pixel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.drive.camera import NEAR, Camera, clip_near
from nightseg_ros.drive.classes import SKY
from nightseg_ros.drive.mesh import Faces, Switch

SHIFT = 4
"""Bits of sub-pixel position in OpenCV's polygons."""


@dataclass(frozen=True)
class Paint:
    """Colour of every pixel, the face that owns it, and one table row per face (row 0: sky)."""

    color: NDArray  # (H, W, 4) uint8: sRGB albedo, glow (square root of it, 0..255)
    owner: NDArray  # (H, W) uint16 row in the tables
    plane: NDArray  # (N, 3) float32: 1 / z = plane . (ray x, ray y, 1)
    span: NDArray  # (N, 2) float32 least and greatest 1 / z
    normal: NDArray  # (N, 3) float32, camera axes, towards the camera
    material: NDArray  # (N,) uint8
    label: NDArray  # (N,) uint8

    def labels(self) -> NDArray[np.uint8]:
        """Return the exact class of every pixel."""
        return np.asarray(self.label[self.owner], np.uint8)


def switched(faces: Faces, levels: NDArray) -> NDArray[np.uint8]:
    """Return (F, 4) colours with the glow of each face at the level of its switch."""
    level = levels[faces.switch]
    window = faces.switch == Switch.WINDOW
    level = np.where(window, np.clip((level * 1.2 - faces.turn) * 6, 0, 1), level)
    rgba = np.empty((len(faces.count), 4), np.float32)
    rgba[:, :3] = faces.color
    dark = np.array([0.22, 0.27, 0.34], np.float32) * faces.color
    off = window[:, None] * (1 - level[:, None])
    rgba[:, :3] += (dark - rgba[:, :3]) * off
    rgba[:, 3] = 255 * np.sqrt(np.clip(faces.glow * level, 0, 1))
    return np.asarray(np.rint(rgba), np.uint8)


def paint(
    faces: Faces, world: NDArray, order: NDArray, levels: NDArray, camera: Camera, background: int
) -> Paint:
    """Paint faces in the given order of rows.

    `world` are their corners, `levels` the level of each Switch, and `background` the grey
    under everything.
    """
    width, height = camera.size
    points = camera.to_camera(world)
    starts = np.concatenate([[0], np.cumsum(faces.count)])
    first = starts[:-1]
    deep = np.maximum.reduceat(points[:, 2], first)
    shallow = np.minimum.reduceat(points[:, 2], first)
    following = np.arange(1, len(points) + 1)
    following[starts[1:] - 1] = first
    x, y, z = points.T
    x2, y2, z2 = points[following].T
    cross = np.stack([y * z2 - z * y2, z * x2 - x * z2, x * y2 - y * x2], 1)
    newell = np.add.reduceat(cross, first)
    offset = np.einsum("ij,ij->i", newell, points[first])
    safe = np.maximum(points[:, 2:], NEAR)
    pixels = points[:, :2] * (camera.focal / safe) + np.array(camera.centre, np.float32)
    pixels = np.clip(pixels, -60000, 60000)
    low = np.minimum.reduceat(pixels, first)
    high = np.maximum.reduceat(pixels, first)
    cut = shallow < NEAR
    visible = (deep > NEAR) & (faces.two_sided | (offset > 0)) & (np.abs(offset) > 1e-7)
    outside = (high < -1).any(axis=1) | (low[:, 0] > width) | (low[:, 1] > height)
    tiny = faces.decal & ((high - low).max(axis=1) < 1.0)
    visible &= cut | ~(outside | tiny)
    order = order[visible[order]]
    solid = order[~faces.decal[order]]
    row = np.zeros(len(faces.count), np.int64)
    row[solid] = np.arange(1, len(solid) + 1)

    color = np.full((height, width, 4), (background,) * 3 + (0,), np.uint8)
    owner = np.zeros((height, width), np.uint16)
    fixed = np.rint(pixels * (1 << SHIFT)).astype(np.int32)
    ends = starts.tolist()
    colors = switched(faces, levels).tolist()
    for face, number, clipped in zip(
        order.tolist(), row[order].tolist(), cut[order].tolist(), strict=True
    ):
        polygon = fixed[ends[face] : ends[face + 1]]
        if clipped:
            kept = clip_near(points[ends[face] : ends[face + 1]])
            if len(kept) < 3:
                continue
            whole = np.clip(camera.project(kept), -60000, 60000)
            polygon = np.rint(whole * (1 << SHIFT)).astype(np.int32)
        cv2.fillConvexPoly(color, polygon, colors[face], cv2.LINE_AA, SHIFT)
        if number:
            cv2.fillConvexPoly(owner, polygon, number, cv2.LINE_8, SHIFT)

    with np.errstate(divide="ignore", invalid="ignore"):
        plane = newell[solid] / offset[solid, None]
        facing = -np.sign(offset[solid, None]) * newell[solid]
        facing /= np.linalg.norm(facing, axis=1, keepdims=True)
    shading = faces.normal[solid] @ camera.rotation.T
    facing = np.where(np.isnan(shading), facing, shading)
    nearest = 1 / np.maximum(shallow[solid], NEAR)
    farthest = 1 / np.maximum(deep[solid], NEAR)

    def table(sky: NDArray, rows: NDArray) -> NDArray:
        return np.concatenate([sky[None], rows]).astype(rows.dtype)

    return Paint(
        color=color,
        owner=owner,
        plane=table(np.array([0, 0, 1e-5], np.float32), plane.astype(np.float32)),
        span=table(
            np.full(2, 1e-5, np.float32), np.stack([farthest, nearest], 1).astype(np.float32)
        ),
        normal=table(np.array([0, 0, -1], np.float32), facing.astype(np.float32)),
        material=table(np.uint8(0), faces.material[solid]),
        label=table(np.uint8(SKY), faces.label[solid]),
    )
