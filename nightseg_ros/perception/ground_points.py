# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Places the pixels of a mask in space with one calibrated camera over level ground.

Pixels of ground classes lie where their rays meet the ground. What stands on the ground stands
upright above its feet: above the ground seen just below it. Nothing else has a place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import IGNORE
from nightseg_ros.perception.feet import between_wheels, runs_above_ground

if TYPE_CHECKING:
    from nightseg_ros.labels.label_set import LabelSet

Floats = NDArray[np.float32]

GROUND, SKIPPED, OTHER = 0, 254, 255
"""Codes of a pixel: ground; unlabelled, which ends nothing that stands; neither. All between are
kinds of things that stand on the ground."""
_PEOPLE = ("person", "pedestrian", "rider", "bicyclist", "bicycle", "motorcycle", "living things")
_CARS = ("car", "caravan", "trailer", "vehicle", "vehicles", "movable")
_LARGE = ("truck", "bus", "train")


class _Build(NamedTuple):
    """Metres, at most: between wheels or feet, of the body above the ground, of height."""

    gap: float
    clearance: float
    height: float


_ON_WHEELS_OR_FEET = (
    (_PEOPLE, _Build(1.2, math.inf, 2.5)),
    (_CARS, _Build(2.0, 0.28, 3.0)),
    (_LARGE, _Build(2.6, 0.5, 4.5)),
)
STANDING = (
    *_PEOPLE,
    *_CARS,
    *_LARGE,
    "wall",
    "fence",
    "guard rail",
    "building",
    "pole",
    "polegroup",
)
LEVEL = (
    "road", "sidewalk", "terrain", "ground", "parking", "rail track", "pavement", "lane marking",
    "drivable", "direct", "alternative",
)  # fmt: skip
RAISED = ("sidewalk", "pavement")


@dataclass(frozen=True)
class Plane:
    """Level ground in the axes of the camera: x right, y down, z ahead."""

    up: tuple[float, float, float]
    height: float
    """Metres of the camera above it."""


@dataclass(frozen=True)
class Classes:
    """What the ids of a mask mean here."""

    code: NDArray[np.uint8]
    """(256,) GROUND, SKIPPED, OTHER, or a kind of its own."""
    raised: Floats
    """(256,) metres of a ground class above the level ground."""
    gap_m: Floats
    """(256,) by code, as the two below: metres between wheels or feet; 0 for solid things."""
    clearance_m: Floats
    """How high a body may be above the ground between its wheels."""
    tallest_m: Floats
    """No such thing is taller; what seems so has its feet out of view."""
    color: Floats
    """(256,) colours as point clouds hold them: the bytes 0, red, green, blue of a float."""

    @classmethod
    def of(
        cls, labels: LabelSet, ground: tuple[str, ...], standing: tuple[str, ...], kerb_m: float
    ) -> Classes:
        """Read a label set; NightsegError where none of its classes is ground."""
        if not labels.ids(ground):
            raise NightsegError(
                f"no class of label set {labels.name} is among ground_classes {list(ground)}; "
                f"name some of {', '.join(labels.names)}"
            )
        code = np.full(256, OTHER, np.uint8)
        raised = np.zeros(256, np.float32)
        build = np.full((256, 3), (0.0, 0.0, math.inf), np.float32)
        for number in labels.ids(standing):
            code[number] = 1 + number % (SKIPPED - 1)
        # A rider stands on the wheels of a bicycle: one kind.
        for names, one in _ON_WHEELS_OR_FEET:
            if together := labels.ids(name for name in names if name in standing):
                code[list(together)] = 1 + min(together)
                build[1 + min(together)] = one
        code[list(labels.ids(ground))], code[IGNORE] = GROUND, SKIPPED
        raised[list(labels.ids(name for name in RAISED if name in ground))] = kerb_m
        red, green, blue = labels.palette().astype(np.uint32).T
        color = (red << 16 | green << 8 | blue).view(np.float32)
        return cls(code, raised, build[:, 0], build[:, 1], build[:, 2], color)


class GroundPoints:
    """The places of the pixels of masks of one size, from one camera; for one thread.

    `rays` are (H, W) x / z and y / z of every pixel, see `rays_of`.
    """

    def __init__(self, rays: tuple[Floats, Floats], classes: Classes, farthest_m: float) -> None:
        self._x, self._y = rays
        self._classes, self._farthest_m = classes, farthest_m
        self._on_wheels = (classes.gap_m > 0).astype(np.uint8)
        middle = self._x[len(self._x) // 2]
        self._columns_per_slope = (len(middle) - 1) / max(float(middle[-1] - middle[0]), 1e-6)
        self._plane: Plane | None = None
        # Buffers: to allocate planes of this size for every frame costs more than to fill them.
        self._inverse, self._ahead, self._level, self._spare = np.zeros(
            (4, *self._x.shape), np.float32
        )

    def fill(self, mask: NDArray[np.uint8], plane: Plane, out: Floats) -> None:
        """Write x, y, z and colour of every pixel into (H, W, 4) `out`; no place is NaN."""
        if plane != self._plane:  # a rigid mount keeps its own
            self._look_down(plane)
        classes = self._classes
        with np.errstate(divide="ignore", invalid="ignore"):
            lowered = np.where(classes.code == GROUND, plane.height, np.nan)
            factor = np.asarray(lowered / (plane.height - classes.raised), np.float32)
            level = np.take(factor, mask, out=self._level, mode="clip")
            level *= self._inverse
            level /= self._ahead  # one over the metres ahead
            self._stand(mask, plane, level, factor)
            level[~((level * self._farthest_m >= 1.0) & (level < np.inf))] = np.nan
            level *= self._ahead
            depth = np.reciprocal(level, out=level)
        np.multiply(self._x, depth, out=out[..., 0])
        np.multiply(self._y, depth, out=out[..., 1])
        out[..., 2] = depth
        np.take(classes.color, mask, out=out[..., 3], mode="clip")

    def _look_down(self, plane: Plane) -> None:
        """Compute for every ray one over the depth of the ground, and metres ahead per depth."""
        up = np.asarray(plane.up, np.float32)
        ahead = np.array([0.0, 0.0, 1.0], np.float32) - up[2] * up
        if np.linalg.norm(ahead) < 0.05 or plane.height <= 0.0:
            raise NightsegError(
                f"the camera is {plane.height:.2f} m above the ground and looks along "
                f"{[round(float(x), 2) for x in up]} of it; it must be above and look ahead: "
                "check the frame of the images and ground_frame"
            )
        ahead /= np.linalg.norm(ahead)
        self._plane = plane
        self._dot(up / np.float32(-plane.height), self._inverse)
        self._dot(ahead, self._ahead)

    def _dot(self, direction: Floats, out: Floats) -> None:
        np.multiply(self._x, direction[0], out=out)
        out += direction[2]
        out += np.multiply(self._y, direction[1], out=self._spare)

    def _stand(self, mask: NDArray[np.uint8], plane: Plane, level: Floats, factor: Floats) -> None:
        """Add to `level`, one over the metres ahead of the ground, what stands above it."""
        code = np.asarray(cv2.LUT(mask, self._classes.code), np.uint8)
        runs = runs_above_ground(code, ground=GROUND, skipped=SKIPPED, other=OTHER)
        below, column = runs.foot_row, runs.column
        above = np.maximum(below - 1, 0)
        # The foot is on the border between two rows; both are linear across it.
        inverse = self._inverse[below, column] + self._inverse[above, column]
        ahead = self._ahead[below, column] + self._ahead[above, column]
        foot = inverse * factor[mask[below, column]] / ahead
        kinds = self._classes
        _, shapes = cv2.connectedComponents(cv2.LUT(code, self._on_wheels), connectivity=4)
        keys = shapes[runs.top_row, column] * 256 + runs.kind
        _, shape = np.unique(keys, return_inverse=True)
        gap_m = kinds.gap_m[runs.kind]
        body = foot * plane.height / np.maximum(plane.height - kinds.clearance_m[runs.kind], 1e-3)
        foot = between_wheels(foot, runs, shape, gap_m * self._columns_per_slope * foot)
        foot = np.fmin(foot, body)
        top = runs.top_row
        tall_m = 1.0 - self._inverse[top, column] / (foot * self._ahead[top, column])
        foot[tall_m * plane.height > kinds.tallest_m[runs.kind]] = np.nan
        runs.paint(foot, code, level)


def rays_of(
    camera: NDArray[np.float64], distortion: NDArray[np.float64], model: str, size: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Return (H, W) x / z and y / z of the pixels of an image of (width, height) `size`.

    `camera` is the (3, 3) matrix for that size, `model` the distortion model of a CameraInfo.
    """
    width, height = size
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float64)
    if not distortion.any():
        x = (grid[..., 0] - camera[0, 2]) / camera[0, 0]
        y = (grid[..., 1] - camera[1, 2]) / camera[1, 1]
        return x.astype(np.float32), y.astype(np.float32)
    points = grid.reshape(-1, 1, 2)
    if model in ("equidistant", "fisheye"):
        undistorted = cv2.fisheye.undistortPoints(points, camera, distortion[:4])
    elif model in ("plumb_bob", "rational_polynomial"):
        undistorted = cv2.undistortPoints(points, camera, distortion)
    else:
        raise NightsegError(
            f"camera_info has the distortion model '{model}'; plumb_bob, rational_polynomial and "
            "equidistant are known: rectify the images and set rectified"
        )
    flat = undistorted.reshape(height, width, 2).astype(np.float32)
    return np.ascontiguousarray(flat[..., 0]), np.ascontiguousarray(flat[..., 1])
