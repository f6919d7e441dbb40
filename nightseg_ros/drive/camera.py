# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A pinhole camera without distortion: x right, y down, z ahead, like ROS optical frames."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from nightseg_ros.drive.street import Floats

NEAR = 0.35
"""Metres; nearer parts are not drawn."""


@dataclass(frozen=True)
class Camera:
    """The pose of the camera in the world."""

    size: tuple[int, int]
    """Width, height in pixels."""
    position: NDArray
    yaw: float
    pitch: float
    """Radians, positive is down."""
    roll: float = 0.0
    """Radians, positive turns the camera clockwise; only `rotation` knows it."""

    @property
    def focal(self) -> float:
        """Focal length in pixels, for a field of view of 64 degrees across."""
        return 0.8 * self.size[0]

    @property
    def centre(self) -> tuple[float, float]:
        """The principal point in pixels."""
        return (self.size[0] - 1) / 2, (self.size[1] - 1) / 2

    @property
    def horizon(self) -> float:
        """The row of horizontal rays."""
        return float(self.centre[1] - self.focal * np.tan(self.pitch))

    @cached_property
    def rotation(self) -> Floats:
        """The (3, 3) matrix that turns world directions X, Y, Z into camera directions."""
        sin, cos = np.sin(self.yaw), np.cos(self.yaw)
        sp, cp = np.sin(self.pitch), np.cos(self.pitch)
        level = np.array([[cos, 0, -sin], [0, -1, 0], [sin, 0, cos]])
        tilt = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        # A pitch of p moves a point ahead (0, 0, 1) up in the image, to y = -sin p.
        sr, cr = np.sin(self.roll), np.cos(self.roll)
        turn = np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])
        return np.asarray(turn @ tilt @ level, np.float32)

    def to_camera(self, world: NDArray) -> Floats:
        """Turn (N, 3) world points into camera coordinates."""
        return np.asarray((world - self.position.astype(np.float32)) @ self.rotation.T)

    def project(self, points: NDArray) -> Floats:
        """Return (N, 2) pixels of camera points that are all in front of the camera."""
        pixels = points[:, :2] * (self.focal / points[:, 2:])
        return np.asarray(pixels + np.array(self.centre, np.float32), np.float32)

    @cached_property
    def rays(self) -> tuple[Floats, Floats]:
        """Return x / z of every column as (1, W), and y / z of every row as (H, 1)."""
        width, height = self.size
        x = (np.arange(width, dtype=np.float32) - np.float32(self.centre[0])) / self.focal
        y = (np.arange(height, dtype=np.float32) - np.float32(self.centre[1])) / self.focal
        return x[None, :].astype(np.float32), y[:, None].astype(np.float32)

    def info(self, frame_id: str = "camera_optical") -> dict[str, object]:
        """Return the fields of a sensor_msgs/CameraInfo without its stamp."""
        (cx, cy), f = self.centre, self.focal
        return {
            "frame_id": frame_id,
            "width": self.size[0],
            "height": self.size[1],
            "distortion_model": "plumb_bob",
            "d": [0.0] * 5,
            "k": [f, 0.0, cx, 0.0, f, cy, 0.0, 0.0, 1.0],
            "r": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            "p": [f, 0.0, cx, 0.0, 0.0, f, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
        }


def clip_near(polygon: NDArray) -> NDArray:
    """Cut a camera-space polygon at the near plane (Sutherland and Hodgman)."""
    kept = []
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if a[2] >= NEAR:
            kept.append(a)
        if (a[2] < NEAR) != (b[2] < NEAR):
            part = (NEAR - a[2]) / (b[2] - a[2])
            kept.append(a + part * (b - a))
    return np.array(kept, np.float32).reshape(-1, 3)
