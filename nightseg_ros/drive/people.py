# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pedestrians, and riders on bicycles and motorcycles, as a few flat limbs facing the camera."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nightseg_ros.drive import classes
from nightseg_ros.drive.body import HEAD, RUBBER, TAIL
from nightseg_ros.drive.mesh import Color, Faces, Mesh, Switch, disc, front, palette

if TYPE_CHECKING:
    import numpy as np

STEPS = 8
"""Poses in one walking or pedalling cycle."""
SKIN = palette("e2b496 c6906e 8e6046 5c3e30")
HAIR = palette("281e18 563a22 967646 787674")
COAT = palette("96342c 2c3e68 26282c ba964a 4a6448 96989c c4c4be 683a60")
TROUSERS = palette("22283c 2c2c2e 5c5040 1a1b1e")


def _limb(
    mesh: Mesh,
    ends: tuple[float, float, float, float],
    width: tuple[float, float],
    color: Color,
    label: int,
    s: float = 0.0,
) -> None:
    """Add a limb from (x0, y0) to (x1, y1), `width` wide at its two ends."""
    x0, y0, x1, y1 = ends
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    across, up = (y1 - y0) / length / 2, -(x1 - x0) / length / 2
    a, b = width
    mesh.add(
        [
            (x0 - across * a, y0 - up * a, s),
            (x0 + across * a, y0 + up * a, s),
            (x1 + across * b, y1 + up * b, s),
            (x1 - across * b, y1 - up * b, s),
        ],
        color,
        label,
    )


def _upper_body(
    mesh: Mesh,
    look: tuple[Color, Color, Color],
    label: int,
    hip: float,
    height: float,
    swing: float,
    lean: float = 0.0,
) -> None:
    skin, hair, coat = look
    shoulder, head = hip + 0.36 * height, hip + 0.5 * height
    for sign in (-1, 1):
        hand = (sign * (0.25 + 0.02 * swing), hip + 0.02 + 0.05 * sign * swing)
        elbow = (sign * 0.27, hip + 0.17 * height)
        _limb(mesh, (sign * 0.2, shoulder - 0.05, *elbow), (0.12, 0.1), coat, label)
        _limb(mesh, (*elbow, *hand), (0.1, 0.08), coat, label)
        mesh.add(disc(*hand, 0, 0.045, 6), skin, label, reach=45)
    torso = [
        (-0.15, hip - 0.06),
        (0.15, hip - 0.06),
        (0.19, hip + 0.1),
        (0.235, shoulder - 0.06),
        (0.15, shoulder + 0.02),
        (-0.15, shoulder + 0.02),
        (-0.235, shoulder - 0.06),
        (-0.19, hip + 0.1),
    ]
    mesh.add([(x + lean, y, 0.0) for x, y in torso], coat, label)
    _limb(mesh, (lean, shoulder - 0.02, lean, head), (0.11, 0.1), skin, label)
    mesh.add(disc(lean, head + 0.06, 0, 0.12), hair, label)
    # The face points along s: it is visible only on people who come towards us.
    face = disc(lean, head + 0.03, 0, 0.098)
    mesh.add(face, skin, label, away=(lean, head, -1), reach=70)


def pedestrian(rng: np.random.Generator, *, standing: bool = False) -> list[Faces]:
    """Return the poses of one pedestrian, for a view from behind or in front."""
    look = (
        SKIN[rng.integers(len(SKIN))],
        HAIR[rng.integers(len(HAIR))],
        COAT[rng.integers(len(COAT))],
    )
    trousers = TROUSERS[rng.integers(len(TROUSERS))]
    height = float(rng.uniform(1.58, 1.86))
    skirt, bag = rng.random() < 0.25, rng.random() < 0.35
    poses = []
    for step in range(1 if standing else STEPS):
        swing = 0.0 if standing else math.sin(2 * math.pi * step / STEPS)
        mesh, hip = Mesh(), 0.5 * height
        for sign in (-1, 1):
            lift = max(0.0, sign * swing) * 0.12
            foot = (sign * 0.1 - 0.03 * swing, 0.03 + lift)
            knee = (sign * 0.105, hip / 2 + lift / 2)
            _limb(mesh, (sign * 0.085, hip, *knee), (0.17, 0.13), trousers, classes.PERSON)
            _limb(mesh, (*knee, *foot), (0.13, 0.09), trousers, classes.PERSON)
            shoe = front((foot[0] - 0.055, foot[0] + 0.055), (foot[1] - 0.03, foot[1] + 0.05), 0)
            mesh.add(shoe, (30, 28, 28), classes.PERSON, reach=50)
        _upper_body(mesh, look, classes.PERSON, hip, height, swing)
        if skirt:
            hem = [(-0.16, hip + 0.08), (0.16, hip + 0.08), (0.23, hip - 0.34), (-0.23, hip - 0.34)]
            mesh.add([(x, y, 0.0) for x, y in hem], look[2], classes.PERSON)
        if bag:
            mesh.add(front((-0.14, 0.14), (hip + 0.14, hip + 0.5), 0), TROUSERS[2], classes.PERSON)
        poses.append(mesh.freeze())
    return poses


def rider(rng: np.random.Generator, *, motor: bool = False) -> list[Faces]:
    """Return the poses of a cyclist or motorcyclist, for a view from behind or in front."""
    look = (SKIN[rng.integers(len(SKIN))], (30, 32, 36), COAT[rng.integers(len(COAT))])
    label = classes.MOTORCYCLE if motor else classes.BICYCLE
    tyre, radius = (0.16, 0.31) if motor else (0.05, 0.34)
    paint: Color = (70, 24, 24) if motor else (52, 84, 96)
    poses = []
    for step in range(STEPS):
        turn = 2 * math.pi * step / STEPS
        mesh = Mesh()
        mesh.add(front((-tyre / 2, tyre / 2), (0.0, 2 * radius), 0.1), RUBBER, label)
        _limb(mesh, (0, radius, 0, 0.86), (0.06, 0.07) if not motor else (0.3, 0.36), paint, label)
        _limb(mesh, (-0.3, 1.0, 0.3, 1.0), (0.05, 0.05), (40, 40, 42), label)
        _limb(mesh, (0, 0.86, 0, 1.02), (0.05, 0.05), (40, 40, 42), label)
        for sign in (-1, 1):
            drop = 0.0 if motor else 0.16 * math.sin(turn) * sign
            knee, foot = (sign * 0.17, 0.62 + drop), (sign * 0.14, 0.26 + drop)
            _limb(mesh, (sign * 0.09, 0.92, *knee), (0.18, 0.14), TROUSERS[0], classes.RIDER)
            _limb(mesh, (*knee, *foot), (0.13, 0.09), TROUSERS[0], classes.RIDER)
        _upper_body(mesh, look, classes.RIDER, 0.93, 1.55, 0.3)
        size = 0.09 if motor else 0.045
        lamp: dict[str, Any] = {"label": label, "switch": Switch.VEHICLE}
        tail, head = (0.7, 0.7 + size), (0.92, 0.92 + 2 * size)
        mesh.decal(front((-size, size), tail, 0), TAIL, away=(0, 0.7, 1), glow=0.3, **lamp)
        mesh.decal(front((-size, size), head, 0), HEAD, away=(0, 0.92, -1), glow=0.7, **lamp)
        poses.append(mesh.freeze())
    return poses
