# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trees and bushes: clouds of leaf clusters shaded like a ball."""

from __future__ import annotations

import numpy as np

from nightseg_ros.drive.classes import VEGETATION
from nightseg_ros.drive.mesh import Color, Faces, Material, Mesh, front, palette

GREENS = palette("46662e 3a5c2c 586e34 686830 3e5438")
BARK: Color = (84, 70, 58)


def _cluster(
    mesh: Mesh,
    rng: np.random.Generator,
    centre: tuple[float, float, float],
    radius: float,
    color: Color,
    normal: tuple[float, float, float],
    reach: float = 260.0,
) -> None:
    """Add one cluster of leaves, a roundish polygon of uneven radius."""
    corners = 9
    turn = np.sort(2 * np.pi * (np.arange(corners) + rng.uniform(-0.3, 0.3, corners)) / corners)
    size = radius * rng.uniform(0.82, 1.12, corners)
    x, y, s = centre
    points = np.stack([x + size * np.cos(turn), y + size * np.sin(turn), np.full(corners, s)], 1)
    mesh.add(points, color, VEGETATION, material=Material.LEAF, normal=normal, reach=reach)


def _crown(
    mesh: Mesh,
    rng: np.random.Generator,
    middle: tuple[float, float],
    size: tuple[float, float],
    color: Color,
    clumps: int,
) -> None:
    """Add a ball of clusters: dark and deep first, bright and high last."""
    x0, y0 = middle
    wide, tall = size
    back = [
        (x0 + 0.8 * wide * float(np.cos(a)), y0 + 0.8 * tall * float(np.sin(a)), 0.3)
        for a in np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ]
    dark = (color[0] * 6 // 10, color[1] * 6 // 10, color[2] * 6 // 10)
    mesh.add(back, dark, VEGETATION, material=Material.LEAF, normal=(0.0, 0.1, -1.0))
    angle = rng.uniform(0, 2 * np.pi, clumps)
    far = np.sqrt(rng.uniform(0.05, 1, clumps))
    for i in np.argsort(np.sin(angle) * far + rng.normal(0, 0.25, clumps)):
        dx, dy = float(np.cos(angle[i]) * far[i]), float(np.sin(angle[i]) * far[i])
        depth = float(np.sqrt(max(0.0, 1 - dx * dx - dy * dy)))
        tone = 0.8 + 0.28 * dy + float(rng.uniform(-0.12, 0.16))
        tint: Color = (int(color[0] * tone), int(color[1] * tone), int(color[2] * tone))
        radius = wide * float(rng.uniform(0.2, 0.36)) * (1.15 - 0.4 * float(far[i]))
        place = (x0 + 0.86 * wide * dx, y0 + 0.86 * tall * dy, -0.4 * depth)
        reach = (260.0, 85.0, 45.0)[i % 3]
        _cluster(mesh, rng, place, radius, tint, (dx, dy + 0.25, -depth), reach=reach)


def tree(rng: np.random.Generator, *, big: bool = False) -> Faces:
    """Return a street tree, or a `big` one for a park."""
    mesh = Mesh()
    scale = float(rng.uniform(1.25, 1.7) if big else rng.uniform(0.85, 1.2))
    trunk = float(rng.uniform(2.3, 3.0)) * (1.0 if big else scale)
    wide, tall = 1.75 * scale, float(rng.uniform(1.7, 2.3)) * scale
    thick = 0.14 * scale
    top = trunk + 0.6
    stem = [(-thick, 0, 0), (thick, 0, 0), (0.7 * thick, top, 0), (-0.7 * thick, top, 0)]
    mesh.add(stem, BARK, VEGETATION, normal=(-0.3, 0.2, -1), material=Material.CONCRETE)
    shade = front((0.1 * thick, thick), (0, trunk), 0)
    mesh.decal(shade, (58, 48, 40), VEGETATION, (0, 0, 1), reach=60)
    _crown(
        mesh, rng, (0.0, trunk + 0.8 * tall), (wide, tall), GREENS[rng.integers(len(GREENS))], 46
    )
    return mesh.freeze()


def bush(rng: np.random.Generator, wide: float = 0.9) -> Faces:
    """Return a bush."""
    mesh = Mesh()
    _crown(mesh, rng, (0.0, 0.55 * wide), (wide, 0.7 * wide), GREENS[rng.integers(len(GREENS))], 12)
    return mesh.freeze()
