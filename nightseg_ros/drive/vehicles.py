# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cars, vans, trucks and buses; their origin is on the road under the middle, facing along s."""

from __future__ import annotations

from functools import partial

import numpy as np

from nightseg_ros.drive import classes
from nightseg_ros.drive.body import hull, lights, shade, treads, wheels
from nightseg_ros.drive.mesh import Color, Faces, Mesh, Switch, front, palette, side

PAINTS = palette("c4c7cb 222429 7a7f86 e4e4e0 94201e 223e74 3e564a c09e60 566c82")
GLASS: Color = (38, 48, 58)


def car(color: Color, *, tall: float = 0.0) -> Faces:
    """Return a hatchback; `tall` metres more make it a sport utility vehicle."""
    mesh = Mesh()
    body = [
        (-2.1, 0.24),
        (-2.16, 0.55),
        (-2.1, 0.9 + tall / 2),
        (0.95, 0.93 + tall / 2),
        (1.95, 0.8 + tall / 2),
        (2.15, 0.55),
        (2.1, 0.24),
    ]
    treads(mesh, 0.88, (-1.32, 1.38), 0.33, classes.CAR)
    hull(mesh, body, 0.88, color, classes.CAR)
    bumper, low_at = shade(color, 0.45), (0, 0.5, 0)
    for s, y in ((-2.165, 0.52), (2.165, 0.52)):
        ends = front((-0.86, 0.86), (0.24, y - 0.1), s)
        mesh.decal(ends, bumper, classes.CAR, (0, y, 0), reach=80)
    grille = front((-0.5, 0.5), (0.5, 0.66), 2.16)
    mesh.decal(grille, (26, 27, 30), classes.CAR, low_at, reach=80)
    for x in (-0.885, 0.885):
        mesh.decal(side(x, (0.24, 0.34), (-1.9, 1.9)), bumper, classes.CAR, low_at, reach=60)
    wheels(mesh, 0.88, (-1.32, 1.38), 0.33, classes.CAR)
    for sign in (-1, 1):
        mirror = front((sign * 0.86, sign * 1.02), (0.93, 1.06), 0.6)
        mesh.add(mirror, shade(color, 0.8), classes.CAR, reach=35)
    base, roof = 0.9 + tall / 2, 1.44 + tall
    cabin = [(-2.0, base), (-1.5, roof), (0.05, roof), (0.95, base)]
    hull(mesh, cabin, 0.82, color, classes.CAR, inset=0.16)
    glass = [(-1.86, base + 0.05), (-1.47, roof - 0.06), (0.02, roof - 0.06), (0.8, base + 0.05)]
    away = (0.0, 1.1, -0.4)
    low, high = 0.815, 0.675
    for sign in (-1, 1):
        for s0, s1, t0, t1 in ((-1.75, -0.62, -1.4, -0.62), (-0.52, 0.75, -0.52, 0.0)):
            window = [
                (sign * low, base + 0.05, s0),
                (sign * low, base + 0.05, s1),
                (sign * high, roof - 0.07, t1),
                (sign * high, roof - 0.07, t0),
            ]
            mesh.decal(window, GLASS, classes.CAR, away, reach=90)
    for (s0, y0), (s1, y1) in ((glass[0], glass[1]), (glass[3], glass[2])):
        push = -0.06 if s0 < 0 else 0.06
        pane = [
            (-0.74, y0, s0 + push),
            (0.74, y0, s0 + push),
            (0.6, y1, s1 + push),
            (-0.6, y1, s1 + push),
        ]
        mesh.decal(pane, GLASS, classes.CAR, away)
    lights(mesh, 0.86, -2.17, 2.16, 0.72 + tall / 2, classes.CAR)
    return mesh.freeze()


def box_vehicle(
    color: Color, label: int, *, length: float, height: float, half: float, windows: bool
) -> Faces:
    """Return a van, a truck with a box, or with `windows` a bus."""
    mesh = Mesh()
    rear, nose = -length / 2, length / 2
    away = (0.0, height / 2, 0.0)
    cab = color if windows else shade(color, 0.8)
    box = [(rear, 0.4), (rear, height), (nose - 0.1, height), (nose, 1.2), (nose, 0.4)]
    treads(mesh, half, (rear + 0.9, nose - 1.0), 0.46, label)
    hull(mesh, box, half, color, label)
    paint = partial(mesh.decal, label=label, away=away)
    paint(front((-half, half), (0.35, 0.7), rear - 0.01), (40, 41, 44))
    paint(front((-half, half), (0.35, 0.75), nose + 0.01), shade(cab, 0.5))
    screen = (1.35, min(height - 0.35, 2.75))
    paint(front((-half + 0.12, half - 0.12), screen, nose + 0.012), GLASS)
    sides = (-half - 0.005, half + 0.005)
    if windows:
        paint = partial(paint, switch=Switch.VEHICLE)
        pane = front((-half + 0.25, half - 0.25), (1.7, height - 0.5), rear - 0.012)
        paint(pane, GLASS, glow=0.07)
        sign = front((-0.7, 0.7), (height - 0.4, height - 0.12), nose + 0.012)
        paint(sign, (255, 190, 70), glow=0.16, switch=Switch.ALWAYS)
        for s in np.arange(rear + 0.5, nose - 1.2, 1.5):
            for x in sides:
                pane = side(x, (1.4, height - 0.55), (s, s + 1.35))
                paint(pane, (232, 214, 170), glow=0.1, reach=90)
                paint(pane, GLASS, glow=0.08, reach=90)
    else:
        door = (0.85, height - 0.1)
        paint(front((-half + 0.08, half - 0.08), door, rear - 0.012), shade(color, 0.88))
        paint(front((-0.02, 0.02), door, rear - 0.013), shade(color, 0.4), reach=60)
        for x in sides:
            paint(side(x, (1.35, 2.1), (nose - 1.3, nose - 0.4)), GLASS)
            seam = side(x, (0.35, height), (nose - 1.75, nose - 1.68))
            paint(seam, shade(color, 0.4), reach=70)
    wheels(mesh, half, (rear + 0.9, nose - 1.0), 0.46, label)
    lights(mesh, half, rear - 0.005, nose + 0.005, 0.92, label)
    return mesh.freeze()


def any_vehicle(rng: np.random.Generator, *, parked: bool) -> Faces:
    """Return a random vehicle: mostly cars, some vans, trucks or buses."""
    color = PAINTS[rng.integers(len(PAINTS))]
    kind = rng.random()
    if kind < (0.9 if parked else 0.74):
        return car(color, tall=float(rng.choice([0.0, 0.0, 0.08, 0.26])))
    if parked or kind < 0.84:
        return box_vehicle(color, classes.CAR, length=5.2, height=2.15, half=0.95, windows=False)
    if kind < 0.92:
        white = (206, 208, 206)
        return box_vehicle(white, classes.TRUCK, length=7.5, height=3.3, half=1.15, windows=False)
    red = (156, 44, 38)
    return box_vehicle(red, classes.BUS, length=11.0, height=3.05, half=1.25, windows=True)
