# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Street coordinates: x to the right of the centre line, y up, s along it, all in metres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LANE_WIDTH = 3.4
KERB = 5.8
"""Half the width of the carriageway: one lane and one row of parked cars on each side."""
KERB_HEIGHT = 0.13
BUILDING_LINE = 9.8
EGO_X = 0.5 * LANE_WIDTH
"""Traffic keeps to the right."""


class Street:
    """A gently curving centre line, and the transform from street to world coordinates.

    The world has X to the right, Y up and Z ahead of the first metre of the street.
    """

    def __init__(self, length: float, rng: np.random.Generator) -> None:
        self._first = -80.0
        s = np.arange(self._first, length + 80.0, 1.0)
        curvature = np.zeros_like(s)
        for radius, wave in ((700.0, 310.0), (1100.0, 170.0)):
            curvature += np.sin(2 * np.pi * (s / wave + rng.random())) / radius
        self._heading = np.cumsum(curvature)
        self._x = np.cumsum(np.sin(self._heading))
        self._z = np.cumsum(np.cos(self._heading))

    def heading(self, s: float) -> float:
        """Return the direction of the street at s, in radians to the right of Z."""
        return float(self._at(self._heading, np.asarray([s]))[0])

    def to_world(self, points: NDArray) -> Floats:
        """Turn (N, 3) street points x, y, s into (N, 3) world points X, Y, Z."""
        s = points[:, 2]
        heading = self._at(self._heading, s)
        world = np.empty(points.shape, np.float32)
        world[:, 0] = self._at(self._x, s) + points[:, 0] * np.cos(heading)
        world[:, 1] = points[:, 1]
        world[:, 2] = self._at(self._z, s) - points[:, 0] * np.sin(heading)
        return world

    def _at(self, table: NDArray, s: NDArray) -> NDArray:
        place = np.clip(s - self._first, 0, len(table) - 1.001)
        index = place.astype(np.intp)
        part = place - index
        return np.asarray(table[index] * (1 - part) + table[index + 1] * part)
