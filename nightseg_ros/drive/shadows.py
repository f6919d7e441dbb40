# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A map of the ground from above: how much sun and how much open sky reach each point."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_PER_METRE = 5.0
_LEFT, _RIGHT = -24.0, 24.0
_BEHIND, _AHEAD = -5.0, 75.0
_BITS = 3


@dataclass(frozen=True)
class Caster:
    """An object that blocks light: a footprint of half sizes and a range of heights."""

    x: float
    s: float
    half: tuple[float, float]
    heights: tuple[float, float]
    house: bool = False
    """Its shadow also falls on objects above the ground."""
    touches: bool = False
    """It darkens the ground directly under itself in any light."""


class ShadowMap:
    """The part of the street in front of the camera; three planes from 0 (dark) to 1."""

    def __init__(self, casters: Iterable[Caster], s: float, sun: NDArray) -> None:
        """Draw the shadows around a camera at `s`; `sun` points towards the sun (street axes)."""
        self._origin = s + _BEHIND
        shape = (int((_AHEAD - _BEHIND) * _PER_METRE), int((_RIGHT - _LEFT) * _PER_METRE))
        planes = [np.full(shape, 255, np.uint8) for _ in range(3)]
        per_height = np.zeros(2)
        lit = sun[1] > 0.02
        if lit:
            per_height = -np.array([sun[0], sun[2]]) / max(float(sun[1]), 0.1)
        turn = np.pi * (np.arange(8) + 0.5) / 4
        ring = np.stack([np.cos(turn), np.sin(turn)], 1) * 1.08
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        for caster in casters:
            if not -30 < caster.s - s < _AHEAD + 40:
                continue
            shape_ = corners if caster.house or caster.touches else ring
            foot = np.array([caster.x, caster.s]) + shape_ * np.array(caster.half)
            if lit:
                cast = np.concatenate([foot + per_height * h for h in caster.heights])
                outline = cv2.convexHull(self._pixels(cast))
                cv2.fillConvexPoly(planes[0], outline, 0, cv2.LINE_8, _BITS)
                if caster.house:
                    cv2.fillConvexPoly(planes[1], outline, 0, cv2.LINE_8, _BITS)
            if caster.touches:
                cv2.fillConvexPoly(planes[2], self._pixels(foot), 70, cv2.LINE_8, _BITS)
        soft = [
            cv2.GaussianBlur(planes[0], (0, 0), 1.1),
            cv2.GaussianBlur(planes[1], (0, 0), 3.0),
            cv2.GaussianBlur(planes[2], (0, 0), 2.0),
        ]
        self._map = cv2.merge(soft).astype(np.float32) / 255
        self._lean = per_height.astype(np.float32)

    def _pixels(self, points: NDArray) -> NDArray:
        place = (points - np.array([_LEFT, self._origin])) * _PER_METRE
        return np.asarray(
            np.rint(np.minimum(np.maximum(place, -3000), 3000) * (1 << _BITS)), np.int32
        )

    def at(
        self, across: NDArray, along: NDArray, height: NDArray
    ) -> tuple[NDArray, NDArray, NDArray]:
        """Return sun on the ground, sun past the houses, and sky, for points of the street."""
        lift = np.maximum(height, 0)
        u = (across + lift * self._lean[0] - np.float32(_LEFT)) * np.float32(_PER_METRE)
        v = (along + lift * self._lean[1] - np.float32(self._origin)) * np.float32(_PER_METRE)
        found = cv2.remap(
            self._map,
            u,
            v,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(1.0, 0.75, 1.0),
        )
        ground, houses, sky = cv2.split(found)
        return ground, houses, sky
