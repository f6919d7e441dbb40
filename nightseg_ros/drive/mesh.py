# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Flat faces with a colour, a class and a glow, from which everything is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Color = tuple[int, int, int]
"""sRGB, 0 to 255."""
Point = tuple[float, float, float]
"""Street coordinates x, y, s, or the same axes around the origin of an object."""
Points = Sequence[Point] | NDArray
BRIGHTEST = 12.0
"""The radiance of a glow of 1.0; sunlit asphalt has about 0.4."""


class Material(IntEnum):
    """The tile of the texture atlas for a face."""

    SMOOTH = 0
    ASPHALT = 1
    PAVING = 2
    BRICK = 3
    PLASTER = 4
    LEAF = 5
    GRASS = 6
    CONCRETE = 7


class Switch(IntEnum):
    """What turns the glow of a face on."""

    OFF = 0
    LAMP = 1
    WINDOW = 2
    VEHICLE = 3
    ALWAYS = 4


def palette(words: str) -> tuple[Color, ...]:
    """Return colours of their names in a style sheet.

    >>> palette("ff8000 26282c")
    ((255, 128, 0), (38, 40, 44))
    """
    return tuple((*bytes.fromhex(word),) for word in words.split())  # type: ignore[misc]


def front(x: tuple[float, float], y: tuple[float, float], s: float) -> list[Point]:
    """Return a vertical rectangle across the street."""
    return [(x[0], y[0], s), (x[1], y[0], s), (x[1], y[1], s), (x[0], y[1], s)]


def side(x: float, y: tuple[float, float], s: tuple[float, float]) -> list[Point]:
    """Return a vertical rectangle along the street."""
    return [(x, y[0], s[0]), (x, y[0], s[1]), (x, y[1], s[1]), (x, y[1], s[0])]


def flat(x: tuple[float, float], y: float, s: tuple[float, float]) -> list[Point]:
    """Return a level rectangle."""
    return [(x[0], y, s[0]), (x[1], y, s[0]), (x[1], y, s[1]), (x[0], y, s[1])]


def disc(x: float, y: float, s: float, radius: float, corners: int = 10) -> list[Point]:
    """Return a vertical polygon across the street that approximates a disc."""
    turn = 2 * np.pi * (np.arange(corners) + 0.5) / corners
    return [(x + radius * float(np.cos(a)), y + radius * float(np.sin(a)), s) for a in turn]


@dataclass(frozen=True)
class Faces:
    """Convex polygons as arrays, in painter's order within each object."""

    points: NDArray  # (V, 3) float32
    count: NDArray  # (F,) vertices of each face
    color: NDArray  # (F, 3) uint8 sRGB
    label: NDArray  # (F,) uint8 train id
    glow: NDArray  # (F,) float32 0..1
    switch: NDArray  # (F,) Switch
    material: NDArray  # (F,) Material
    decal: NDArray  # (F,) bool: paints colour only, on the face under it
    two_sided: NDArray  # (F,) bool
    normal: NDArray  # (F, 3) float32 shading normal, nan = that of the plane
    reach: NDArray  # (F,) float32 distance in metres up to which the face is drawn
    key: NDArray  # (F,) float32 s that orders objects from far to near
    turn: NDArray  # (F,) float32 0..1, the order in which windows light up

    def moved(self, x: float, s: float, *, turned: bool = False, key: float | None = None) -> Faces:
        """Return the faces at (x, s), facing back along the street if `turned`."""
        sign = np.float32(-1 if turned else 1)
        flip = np.array([sign, 1, sign], np.float32)
        data = {field.name: getattr(self, field.name) for field in fields(self)}
        data["points"] = self.points * flip + np.array([x, 0, s], np.float32)
        data["normal"] = self.normal * flip
        data["key"] = np.full(len(self.count), s if key is None else key, np.float32)
        return Faces(**data)

    def where(self, mask: NDArray) -> Faces:
        """Return the faces selected by a boolean mask, in their order."""
        data = {field.name: getattr(self, field.name)[mask] for field in fields(self)[1:]}
        return Faces(points=self.points[np.repeat(mask, self.count)], **data)

    def ordered(self) -> Faces:
        """Return the faces with the farthest objects first, each object in its own order."""
        rows = np.argsort(-self.key, kind="stable")
        starts = np.cumsum(self.count) - self.count
        count = self.count[rows]
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        data = {field.name: getattr(self, field.name)[rows] for field in fields(self)[1:]}
        return Faces(points=self.points[np.repeat(starts[rows], count) + within], **data)

    @staticmethod
    def joined(parts: Sequence[Faces]) -> Faces:
        """Return all faces of `parts` as one."""
        return Faces(
            **{
                field.name: np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(Faces)
            }
        )


class Mesh:
    """Collects faces; each face is painted over the earlier ones of the same object."""

    def __init__(self) -> None:
        self._rows: list[tuple[NDArray, tuple]] = []

    def add(
        self,
        points: Points,
        color: Color,
        label: int,
        *,
        glow: float = 0.0,
        switch: Switch = Switch.OFF,
        material: Material = Material.SMOOTH,
        decal: bool = False,
        away: Point | None = None,
        normal: Point | None = None,
        reach: float = 260.0,
    ) -> None:
        """Add one convex face; with `away` its outside is the side facing away from that point."""
        corners = np.asarray(points, np.float32)
        if away is not None:
            plane = np.cross(corners[1] - corners[0], corners[2] - corners[0])
            if plane @ (corners.mean(axis=0) - np.asarray(away)) < 0:
                corners = corners[::-1]
        shading = (np.nan,) * 3 if normal is None else normal
        row = (color, label, glow, switch, material, decal, away is None, shading, reach)
        self._rows.append((corners, row))

    def decal(
        self, points: Points, color: Color, label: int, away: Point | None = None, **look: Any
    ) -> None:
        """Add a face that paints colour only, on the face under it; `look` is that of `add`."""
        self.add(points, color, label, away=away, decal=True, **look)

    def freeze(self, key: float = 0.0) -> Faces:
        """Return the faces as arrays, all with the paint key `key`."""
        columns = list(zip(*[row for _, row in self._rows], strict=True))
        count = len(self._rows)
        return Faces(
            points=np.concatenate([corners for corners, _ in self._rows]),
            count=np.array([len(corners) for corners, _ in self._rows], np.int64),
            color=np.array(columns[0], np.uint8),
            label=np.array(columns[1], np.uint8),
            glow=np.array(columns[2], np.float32),
            switch=np.array(columns[3], np.uint8),
            material=np.array(columns[4], np.uint8),
            decal=np.array(columns[5], bool),
            two_sided=np.array(columns[6], bool),
            normal=np.array(columns[7], np.float32),
            reach=np.array(columns[8], np.float32),
            key=np.full(count, key, np.float32),
            turn=np.modf(np.arange(count) * 0.618034 + key * 0.377)[0].astype(np.float32),
        )

    def __len__(self) -> int:
        return len(self._rows)
