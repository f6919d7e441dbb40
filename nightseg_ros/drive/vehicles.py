# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cars, vans, trucks and buses; their origin is on the road under the middle, looking along s."""

from __future__ import annotations

import numpy as np

from nightseg_ros.drive import classes
from nightseg_ros.drive.body import hull, lights, shade, treads, wheels
from nightseg_ros.drive.mesh import Color, Faces, Mesh, Switch, front, side

PAINTS: tuple[Color, ...] = (
    (196, 199, 203),
    (34, 36, 41),
    (122, 127, 134),
    (228, 228, 224),
    (148, 32, 30),
    (34, 62, 116),
    (62, 86, 74),
    (192, 158, 96),
    (86, 108, 130),
)
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
    bumper = shade(color, 0.45)
    for s, y in ((-2.165, 0.52), (2.165, 0.52)):
        mesh.add(
            front((-0.86, 0.86), (0.24, y - 0.1), s),
            bumper,
            classes.CAR,
            decal=True,
            away=(0, y, 0),
            reach=80,
        )
    mesh.add(
        front((-0.5, 0.5), (0.5, 0.66), 2.16),
        (26, 27, 30),
        classes.CAR,
        decal=True,
        away=(0, 0.5, 0),
        reach=80,
    )
    for x in (-0.885, 0.885):
        mesh.add(
            side(x, (0.24, 0.34), (-1.9, 1.9)),
            bumper,
            classes.CAR,
            decal=True,
            away=(0, 0.5, 0),
            reach=60,
        )
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
            mesh.add(window, GLASS, classes.CAR, decal=True, away=away, reach=90)
    for (s0, y0), (s1, y1) in ((glass[0], glass[1]), (glass[3], glass[2])):
        push = -0.06 if s0 < 0 else 0.06
        pane = [
            (-0.74, y0, s0 + push),
            (0.74, y0, s0 + push),
            (0.6, y1, s1 + push),
            (-0.6, y1, s1 + push),
        ]
        mesh.add(pane, GLASS, classes.CAR, decal=True, away=away)
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
    mesh.add(
        front((-half, half), (0.35, 0.7), rear - 0.01), (40, 41, 44), label, decal=True, away=away
    )
    mesh.add(
        front((-half, half), (0.35, 0.75), nose + 0.01),
        shade(cab, 0.5),
        label,
        decal=True,
        away=away,
    )
    screen = (1.35, min(height - 0.35, 2.75))
    mesh.add(
        front((-half + 0.12, half - 0.12), screen, nose + 0.012),
        GLASS,
        label,
        decal=True,
        away=away,
    )
    if windows:
        mesh.add(
            front((-half + 0.25, half - 0.25), (1.7, height - 0.5), rear - 0.012),
            GLASS,
            label,
            decal=True,
            away=away,
            glow=0.07,
            switch=Switch.VEHICLE,
        )
        mesh.add(
            front((-0.7, 0.7), (height - 0.4, height - 0.12), nose + 0.012),
            (255, 190, 70),
            label,
            decal=True,
            away=away,
            glow=0.16,
            switch=Switch.ALWAYS,
        )
        for s in np.arange(rear + 0.5, nose - 1.2, 1.5):
            for x in (-half - 0.005, half + 0.005):
                mesh.add(
                    side(x, (1.4, height - 0.55), (s, s + 1.35)),
                    (232, 214, 170),
                    label,
                    decal=True,
                    away=away,
                    glow=0.1,
                    switch=Switch.VEHICLE,
                    reach=90,
                )
                mesh.add(
                    side(x, (1.4, height - 0.55), (s, s + 1.35)),
                    GLASS,
                    label,
                    decal=True,
                    away=away,
                    glow=0.08,
                    switch=Switch.VEHICLE,
                    reach=90,
                )
    else:
        mesh.add(
            front((-half + 0.08, half - 0.08), (0.85, height - 0.1), rear - 0.012),
            shade(color, 0.88),
            label,
            decal=True,
            away=away,
        )
        mesh.add(
            front((-0.02, 0.02), (0.85, height - 0.1), rear - 0.013),
            shade(color, 0.4),
            label,
            decal=True,
            away=away,
            reach=60,
        )
        for x in (-half - 0.005, half + 0.005):
            mesh.add(
                side(x, (1.35, 2.1), (nose - 1.3, nose - 0.4)), GLASS, label, decal=True, away=away
            )
            mesh.add(
                side(x, (0.35, height), (nose - 1.75, nose - 1.68)),
                shade(color, 0.4),
                label,
                decal=True,
                away=away,
                reach=70,
            )
    wheels(mesh, half, (rear + 0.9, nose - 1.0), 0.46, label)
    lights(mesh, half, rear - 0.005, nose + 0.005, 0.92, label)
    return mesh.freeze()


def any_vehicle(rng: np.random.Generator, *, parked: bool) -> Faces:
    """Return a vehicle as a street has them: most are cars, a few are vans, trucks or buses."""
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
