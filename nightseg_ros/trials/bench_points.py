# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measures ~/points on a rendered street, where the place of every pixel is known: error, time."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.drive.render import CAMERA_HEIGHT, Geometry, Renderer
from nightseg_ros.drive.street import KERB_HEIGHT
from nightseg_ros.labels.label_set import CITYSCAPES19
from nightseg_ros.metrics.percentiles import percentiles
from nightseg_ros.perception.ground_points import LEVEL, STANDING, Classes, GroundPoints, Plane

TURNS = tuple(itertools.product((-0.05, 0.0, 0.10), (-0.08, 0.0, 0.05)))
"""Pitch and roll in radians that are added to those of the ride, one pair a frame."""
BANDS_M = ((0.0, 5.0), (5.0, 10.0), (10.0, 15.0))
GROUND = ("road", "sidewalk")
RIGID = "road, the nodding unknown"
_MEAN_PITCH = 0.018
"""About which the camera of the drive nods."""

Errors = dict[tuple[str, int], list[NDArray[np.float32]]]


def measure(
    size: tuple[int, int], frames: int, on_frame: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Return errors by class and distance, as shares of the true one, and processor time."""
    renderer = Renderer(1, frames, size)
    classes = Classes.of(CITYSCAPES19, LEVEL, STANDING, KERB_HEIGHT)
    x, y = (np.array(ray) for ray in np.broadcast_arrays(*renderer.geometry(0).camera.rays))
    points = GroundPoints((x, y), classes, 2.0 * BANDS_M[-1][1])
    errors: Errors = defaultdict(list)
    spent_ms: list[float] = []
    names = dict(enumerate(CITYSCAPES19.names))
    for index in range(frames):
        turned = renderer.geometry(index, *TURNS[index % len(TURNS)])
        spent_ms.append(add_errors(errors, turned, points, plane_of(turned), names))
        rigid = Plane((0.0, -np.cos(_MEAN_PITCH), -np.sin(_MEAN_PITCH)), CAMERA_HEIGHT)
        add_errors(errors, renderer.geometry(index), points, rigid, {0: RIGID})
        on_frame()
    ground = [x for (name, _), values in errors.items() if name in GROUND for x in values]
    return {
        "size": list(size),
        "frames": frames,
        "rows": [_row(name, band, values) for (name, band), values in sorted(errors.items())],
        "ground": percentiles(np.abs(np.concatenate(ground))),
        "milliseconds": percentiles(spent_ms),
    }


def plane_of(geometry: Geometry) -> Plane:
    """Return the ground below the camera of a frame, as TF would have it."""
    up = geometry.camera.rotation[:, 1]
    return Plane((float(up[0]), float(up[1]), float(up[2])), float(geometry.camera.position[1]))


def add_errors(
    errors: Errors, geometry: Geometry, points: GroundPoints, plane: Plane, names: dict[int, str]
) -> float:
    """Add the errors of the pixels of `names` by distance; return the processor time in ms."""
    x, y = geometry.camera.rays
    out = np.zeros((*geometry.labels.shape, 4), np.float32)
    start_s = time.process_time()
    points.fill(geometry.labels, plane, out)
    spent_ms = (time.process_time() - start_s) * 1e3
    z = geometry.depth
    true = _along_ground(np.stack([x * z, y * z, z], -1), plane_of(geometry))
    found = _along_ground(out[..., :3], plane)
    # A thing is where its feet are; the drive draws those on sidewalks at the height of the road.
    above_road = np.zeros(geometry.labels.shape, bool)
    above_road[:-1] = geometry.labels[1:] == CITYSCAPES19.names.index("road")
    for number, name in names.items():
        chosen = geometry.labels == number
        if CITYSCAPES19.names[number] not in LEVEL:
            chosen &= above_road
        for band, (low, high) in enumerate(BANDS_M):
            here = chosen & (true > low) & (true <= high)
            if here.any():
                errors[name, band].append(found[here] / true[here] - 1.0)
    return spent_ms


def _along_ground(places: NDArray[np.float32], plane: Plane) -> NDArray[np.float32]:
    """Return the distances of (H, W, 3) places from the point below the camera."""
    up = np.asarray(plane.up, np.float32)
    return np.asarray(np.linalg.norm(places - (places @ up)[..., None] * up, axis=-1))


def _row(name: str, band: int, values: list[NDArray[np.float32]]) -> dict[str, Any]:
    errors = np.concatenate(values)
    placed = errors[np.isfinite(errors)]
    return {
        "name": name,
        "metres": list(BANDS_M[band]),
        "pixels": len(errors),
        "placed": len(placed) / len(errors),
        "median": float(np.median(placed)) if len(placed) else None,
        "absolute": percentiles(np.abs(placed)),
    }
