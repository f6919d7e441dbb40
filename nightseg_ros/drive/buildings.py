# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Town houses with shops, windows that light up at night, cornices and roofs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from nightseg_ros.drive.classes import BUILDING
from nightseg_ros.drive.mesh import (
    Color,
    Faces,
    Material,
    Mesh,
    Point,
    Switch,
    front,
    palette,
    side,
)

FLOOR = 3.2
STYLES: tuple[tuple[Color, Material], ...] = (
    ((150, 92, 72), Material.BRICK),
    ((122, 72, 60), Material.BRICK),
    ((176, 132, 104), Material.BRICK),
    ((214, 196, 162), Material.PLASTER),
    ((196, 178, 170), Material.PLASTER),
    ((176, 186, 186), Material.PLASTER),
    ((206, 168, 124), Material.PLASTER),
    ((162, 160, 154), Material.CONCRETE),
    ((188, 190, 188), Material.CONCRETE),
)
ROOFS = palette("623a30 48464a 54423a")
WARM = palette("ffce82 ffdea0 ffbe6e dce4ff")
SIGNS = palette("3c96a0 be3c32 d2a032 465aaa 3c8246")
AWNINGS = palette("962c28 2c5446 34426e b08c46")


@dataclass(frozen=True)
class House:
    """The faces of a house, and what the street needs to know of it."""

    faces: Faces
    height: float
    shops: tuple[tuple[float, float, float, Color], ...]
    """x, y, s and colour of the shop windows that light the sidewalk at night."""


class _Facade:
    """One house; x0 is the plane of its front, `sign` its side of the street."""

    def __init__(
        self, rng: np.random.Generator, sign: int, x0: float, s: tuple[float, float]
    ) -> None:
        self.rng, self.sign, self.s = rng, sign, s
        self.x = sign * x0
        self.floors = int(rng.integers(2, 6))
        self.height = 0.8 + FLOOR * self.floors + 0.7
        self.color, self.material = STYLES[rng.integers(len(STYLES))]
        self.mesh = Mesh()
        self.lit: list[tuple[float, float, float, Color]] = []
        self.within: Point = (self.x + 6 * sign, 3.0, 0.5 * (s[0] + s[1]))

    def paint(
        self,
        y: tuple[float, float],
        s: tuple[float, float],
        color: Color,
        *,
        out: float = 0.0,
        glow: float = 0.0,
        reach: float = 120.0,
    ) -> None:
        """Paint a rectangle on the front."""
        switch = Switch.WINDOW if glow else Switch.OFF
        front_side = side(self.x - self.sign * out, y, s)
        look: dict[str, Any] = {"glow": glow, "switch": switch, "reach": reach}
        self.mesh.decal(front_side, color, BUILDING, self.within, **look)

    def walls(self) -> None:
        depth = self.x + 12 * self.sign
        low, high = self.s
        top = self.height
        roof = ROOFS[self.rng.integers(len(ROOFS))]
        options: dict[str, Any] = {"material": self.material, "away": self.within}
        if self.rng.random() < 0.55:
            ridge = self.x + 6 * self.sign
            rise = top + float(self.rng.uniform(2.0, 3.6))
            slope: list[Point] = [
                (self.x - 0.3 * self.sign, top, low - 0.2),
                (self.x - 0.3 * self.sign, top, high + 0.2),
                (ridge, rise, high),
                (ridge, rise, low),
            ]
            self.mesh.add(slope, roof, BUILDING, material=Material.PAVING)
            gable: list[Point] = [(self.x, top, low), (depth, top, low), (ridge, rise, low)]
            self.mesh.add(gable, self.color, BUILDING, **options)
        for end in (low, high):
            across = front((self.x, depth), (0, top), end)
            self.mesh.add(across, self.color, BUILDING, **options)
        self.mesh.add(side(self.x, (0, top), self.s), self.color, BUILDING, **options)
        pale: Any = tuple(min(255, round(c * 1.12 + 8)) for c in self.color)
        self.paint((top - 0.35, top), self.s, pale)
        self.paint((3.75, 3.98), self.s, pale)
        corner = front((self.x - 0.3 * self.sign, self.x), (top - 0.3, top), low)
        self.mesh.add(corner, self.color, BUILDING, away=self.within, reach=90)

    def windows(self) -> None:
        rng, width = self.rng, self.s[1] - self.s[0]
        columns = max(2, int(width / rng.uniform(2.3, 3.4)))
        pitch = width / columns
        half = 0.5 * min(1.5, pitch * float(rng.uniform(0.38, 0.55)))
        tall = float(rng.uniform(1.35, 1.9))
        frame: Color = (216, 212, 202) if rng.random() < 0.7 else (70, 62, 56)
        for floor in range(1, self.floors):
            y = 1.6 + FLOOR * floor
            for column in range(columns):
                s = self.s[0] + (column + 0.5) * pitch
                lit = rng.random() < 0.42
                warm = WARM[rng.choice(len(WARM), p=[0.4, 0.3, 0.2, 0.1])]
                glass: Any = tuple(int(c) for c in rng.integers(34, 78) + np.array([-6, 4, 14]))
                frame_s = (s - half - 0.1, s + half + 0.1)
                self.paint((y - 0.09, y + tall + 0.09), frame_s, frame, reach=60)
                glow = float(rng.uniform(0.025, 0.07)) if lit else 0.0
                self.paint((y, y + tall), (s - half, s + half), warm if lit else glass, glow=glow)
                if lit and rng.random() < 0.5:  # a curtain half drawn
                    cut = float(rng.uniform(0.2, 0.8)) * half
                    drawn = (s + cut - 0.2, s + half)
                    self.paint((y, y + tall), drawn, (150, 112, 84), glow=0.04, reach=70)
                self.paint((y, y + tall), (s - 0.03, s + 0.03), frame, reach=45)
                self.paint((y + 0.66 * tall, y + 0.7 * tall), (s - half, s + half), frame, reach=45)

    def shops(self) -> None:
        rng = self.rng
        bay = (self.s[1] - self.s[0]) / max(1, round((self.s[1] - self.s[0]) / 6.0))
        for start in np.arange(self.s[0], self.s[1] - 0.5, bay):
            span = (float(start) + 0.35, float(start) + bay - 0.35)
            if rng.random() < 0.3:
                self._door(0.5 * (span[0] + span[1]))
                continue
            warm = WARM[rng.integers(len(WARM))]
            sign = SIGNS[rng.integers(len(SIGNS))]
            self.paint((0.25, 3.1), span, (52, 48, 46))
            glow = float(rng.uniform(0.05, 0.1)) if rng.random() < 0.75 else 0.0
            glass: Color = (58, 68, 76)
            door = span[0] + 1.25
            pane = warm if glow else glass
            self.paint((0.3, 2.75), (span[0] + 0.15, door - 0.1), pane, glow=0.8 * glow)
            self.paint((0.75, 2.75), (door + 0.1, span[1] - 0.15), pane, glow=glow)
            for s in np.arange(door + 0.5, span[1] - 0.6, 0.9):  # goods in the shop window
                tone: Any = tuple(int(c) for c in rng.integers(60, 150, 3))
                high = 0.75 + float(rng.uniform(0.4, 1.3))
                goods = (float(s), float(s) + 0.55)
                self.paint((0.75, high), goods, tone, glow=0.5 * glow, reach=40)
            self.paint((3.1, 3.65), span, sign, glow=float(rng.uniform(0.05, 0.1)) if glow else 0.0)
            if glow:
                self.lit.append((self.x - 0.2 * self.sign, 1.9, 0.5 * (door + span[1]), warm))
            if rng.random() < 0.45:
                self._awning(span, AWNINGS[rng.integers(len(AWNINGS))])

    def _door(self, s: float) -> None:
        self.paint((0.0, 2.6), (s - 0.75, s + 0.75), (180, 172, 158))
        self.paint((0.0, 2.35), (s - 0.55, s + 0.55), (70, 48, 36))
        self.paint((2.4, 2.55), (s - 0.3, s + 0.3), (255, 220, 160), glow=0.1, reach=70)

    def _awning(self, span: tuple[float, float], color: Color) -> None:
        out = self.x - 1.1 * self.sign
        count = 6
        edges = np.linspace(span[0], span[1], count + 1)
        for i, (a, b) in enumerate(pairwise(edges)):
            cloth: Color = color if i % 2 else (222, 216, 204)
            roof = [(self.x, 3.05, a), (self.x, 3.05, b), (out, 2.5, b), (out, 2.5, a)]
            self.mesh.add(roof, cloth, BUILDING, reach=90)
            self.mesh.add(side(out, (2.3, 2.5), (float(a), float(b))), cloth, BUILDING, reach=90)


def house(rng: np.random.Generator, sign: int, x0: float, s: tuple[float, float]) -> House:
    """Build a house on one side of the street (`sign` -1 left, 1 right), its front at `x0`."""
    made = _Facade(rng, sign, x0, s)
    made.walls()
    made.shops()
    made.windows()
    return House(made.mesh.freeze(key=s[1] + 0.5), made.height, tuple(made.lit))
