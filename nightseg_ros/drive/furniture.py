# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Street furniture: lamps, signs, traffic lights, fences and bins."""

from __future__ import annotations

from typing import Any

import numpy as np

from nightseg_ros.drive.classes import FENCE, POLE, TRAFFIC_LIGHT, TRAFFIC_SIGN, UNLABELLED, WALL
from nightseg_ros.drive.mesh import Color, Faces, Material, Mesh, Point, Switch, disc, front, side

STEEL: Color = (92, 96, 98)
LAMP_HEIGHT = 7.4
LAMP_ARM = 2.1
"""How far a lamp extends over the carriageway."""


def _mast(mesh: Mesh, x: float, y: tuple[float, float], width: float, color: Color) -> None:
    """Add a round mast as a lit and a shaded half."""
    dark: Color = (color[0] * 7 // 10, color[1] * 7 // 10, color[2] * 7 // 10)
    mesh.add(front((x - width / 2, x + width / 2), y, 0), color, POLE, normal=(0, 0.2, -1))
    mesh.add(front((x, x + width / 2), y, 0), dark, POLE, decal=True, away=(x, y[0], 1), reach=50)


def lamp(sign: int) -> Faces:
    """Return a street lamp whose arm reaches over the road."""
    mesh = Mesh()
    tip = -sign * LAMP_ARM
    _mast(mesh, 0, (0, LAMP_HEIGHT), 0.15, STEEL)
    _mast(mesh, 0, (0, 1.0), 0.24, STEEL)
    arm = [
        (0.0, LAMP_HEIGHT - 0.1, 0),
        (tip, LAMP_HEIGHT + 0.1, 0),
        (tip, LAMP_HEIGHT + 0.2, 0),
        (0.0, LAMP_HEIGHT + 0.04, 0),
    ]
    mesh.add(arm, STEEL, POLE)
    head = sorted((tip - 0.1 * sign, tip + 0.75 * sign))
    mesh.add(front((head[0], head[1]), (LAMP_HEIGHT + 0.04, LAMP_HEIGHT + 0.2), 0), STEEL, POLE)
    bulb = front((head[0] + 0.04, head[1] - 0.04), (LAMP_HEIGHT, LAMP_HEIGHT + 0.07), 0)
    mesh.add(bulb, (255, 214, 150), POLE, glow=0.95, switch=Switch.LAMP)
    return mesh.freeze()


def sign_post(rng: np.random.Generator) -> Faces:
    """Return one of a few common traffic signs on a post."""
    mesh = Mesh()
    kind = int(rng.integers(6))
    _mast(mesh, 0, (0, 2.9), 0.07, (150, 152, 152))
    white, red, blue = (236, 236, 230), (196, 28, 34), (24, 82, 168)
    y = 2.55
    away = (0.0, y, 1.0)

    def plate(points: list[Point], color: Color, *, top: bool = False) -> None:
        mesh.add(points, color, TRAFFIC_SIGN, decal=top, away=away if top else None)

    def triangle(radius: float, turn: float) -> list[Point]:
        return [
            (radius * float(np.sin(a + turn)), y + radius * float(np.cos(a + turn)), 0.0)
            for a in (0.0, 2.0944, 4.1888)
        ]

    if kind == 0:  # a limit
        plate(disc(0, y, 0, 0.36, 16), red)
        plate(disc(0, y, 0, 0.27, 16), white, top=True)
        for x, strokes in ((-0.105, "abcdg"), (0.105, "abcdef")):
            for stroke in _digit(x, y, strokes):
                plate(stroke, (20, 20, 20), top=True)
    elif kind == 1:  # give way
        plate(triangle(0.48, np.pi), red)
        plate(triangle(0.3, np.pi), white, top=True)
    elif kind == 2:  # warning
        plate(triangle(0.5, 0.0), red)
        plate(triangle(0.32, 0.0), white, top=True)
        plate(front((-0.03, 0.03), (y - 0.1, y + 0.12), 0), (20, 20, 20), top=True)
    elif kind == 3:  # direction
        plate(disc(0, y, 0, 0.36, 16), blue)
        plate(front((-0.06, 0.06), (y - 0.2, y + 0.02), 0), white, top=True)
        plate([(-0.17, y, 0), (0.17, y, 0), (0.0, y + 0.22, 0)], white, top=True)
    elif kind == 4:  # parking
        plate(front((-0.32, 0.32), (y - 0.32, y + 0.32), 0), blue)
        plate(front((-0.13, -0.05), (y - 0.2, y + 0.2), 0), white, top=True)
        plate(disc(0.03, y + 0.09, 0, 0.13, 10), white, top=True)
        plate(disc(0.03, y + 0.09, 0, 0.055, 8), blue, top=True)
    else:  # priority road
        corners: list[Point]
        for radius, color in ((0.42, white), (0.3, (240, 186, 30))):
            corners = [(0, y - radius, 0), (radius, y, 0), (0, y + radius, 0), (-radius, y, 0)]
            plate(corners, color, top=radius < 0.4)
    return mesh.freeze()


def _digit(x: float, y: float, strokes: str) -> list[list[Point]]:
    """Return the strokes of a digit as on a seven-segment display (a on top, then clockwise)."""
    wide, tall, pen = 0.06, 0.125, 0.016
    bars = {
        "a": (-wide, wide, tall, tall),
        "b": (wide, wide, 0, tall),
        "c": (wide, wide, -tall, 0),
        "d": (-wide, wide, -tall, -tall),
        "e": (-wide, -wide, -tall, 0),
        "f": (-wide, -wide, 0, tall),
        "g": (-wide, wide, 0, 0),
    }
    return [
        front((x + x0 - pen, x + x1 + pen), (y + y0 - pen, y + y1 + pen), 0)
        for x0, x1, y0, y1 in (bars[stroke] for stroke in strokes)
    ]


def traffic_light(sign: int, phase: int) -> Faces:
    """Return a traffic light; `phase` 0 red, 1 amber, 2 green."""
    mesh = Mesh()
    _mast(mesh, 0, (0, 5.6), 0.14, STEEL)
    reach = -sign * 3.4
    mesh.add([(0, 5.5, 0), (reach, 5.6, 0), (reach, 5.7, 0), (0, 5.64, 0)], STEEL, POLE)
    for x, y, size in ((0.0, 2.6, 0.3), (reach, 5.0, 0.34)):
        mesh.add(
            front((x - size / 2, x + size / 2), (y, y + 2.9 * size), 0), (28, 30, 30), TRAFFIC_LIGHT
        )
        bulbs: tuple[Color, ...] = ((255, 40, 26), (255, 176, 40), (60, 255, 150))
        for row, bulb in enumerate(bulbs):
            on = row == phase
            color: Color = bulb if on else (bulb[0] // 5, bulb[1] // 5, bulb[2] // 5)
            centre = y + (2.45 - 0.97 * row) * size
            glow = 0.62 if on else 0.0
            lens, away = disc(x, centre, 0, 0.34 * size), (x, y, 1)
            mesh.decal(lens, color, TRAFFIC_LIGHT, away, glow=glow, switch=Switch.ALWAYS)
    return mesh.freeze()


def fence(x: float, length: float) -> Faces:
    """Return an iron fence along the street."""
    mesh = Mesh()
    green: Color = (46, 62, 56)
    for y in (0.25, 1.1):
        mesh.add(side(x, (y, y + 0.07), (0, length)), green, FENCE)
    for s in np.arange(0, length, 0.28):
        mesh.add(side(x, (0.0, 1.22), (float(s), float(s) + 0.05)), green, FENCE, reach=48)
    # In the distance the bars are finer than a pixel: a dim band replaces them.
    mesh.add(side(x, (0.3, 1.1), (0, length)), (70, 84, 66), FENCE, decal=True)
    return mesh.freeze()


def low_wall(x: float, length: float, sign: int) -> Faces:
    """Return a brick wall at knee height with coping stones."""
    mesh = Mesh()
    inside = (x + sign, 0.5, length / 2)
    brick: dict[str, Any] = {"color": (140, 96, 80), "label": WALL, "material": Material.BRICK}
    mesh.add(front((x, x + 0.3 * sign), (0, 1.15), 0), away=(x, 0.5, length), **brick)
    mesh.add(side(x, (0, 1.15), (0, length)), away=inside, **brick)
    mesh.add(side(x, (1.05, 1.18), (0, length)), (178, 172, 160), WALL, decal=True, away=inside)
    return mesh.freeze()


def bin_can() -> Faces:
    """Return a litter bin, which has no train id."""
    mesh = Mesh()
    mesh.add(front((-0.22, 0.22), (0.15, 0.95), 0), (58, 76, 62), UNLABELLED, normal=(0, 0.2, -1))
    mesh.add(front((-0.24, 0.24), (0.88, 0.97), 0), (38, 46, 40), UNLABELLED)
    return mesh.freeze()
