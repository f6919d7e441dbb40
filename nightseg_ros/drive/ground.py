# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The level ground: carriageway with markings, sidewalks and lawns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nightseg_ros.drive.classes import ROAD, SIDEWALK, TERRAIN
from nightseg_ros.drive.mesh import Color, Faces, Material, Mesh, disc, flat, side
from nightseg_ros.drive.street import BUILDING_LINE, KERB, KERB_HEIGHT, LANE_WIDTH

ASPHALT: Color = (92, 92, 95)
PAVEMENT: Color = (152, 148, 142)
LAWN: Color = (98, 118, 62)
PAINT: Color = (226, 226, 220)
STEP = 4.0
TUNNEL_HALF = 7.0


@dataclass(frozen=True)
class Layout:
    """The positions of crossings and tunnel along the street, in metres of s."""

    first: float
    last: float
    tunnel: tuple[float, float]
    crossings: tuple[tuple[float, float], ...]

    def crossing_at(self, s: float, margin: float = 0.0) -> bool:
        """Return whether s is in a side street."""
        return any(a - margin < s < b + margin for a, b in self.crossings)

    def tunnel_at(self, s: float, margin: float = 0.0) -> bool:
        """Return whether s is in the tunnel."""
        return self.tunnel[0] - margin < s < self.tunnel[1] + margin


def plain(layout: Layout) -> Faces:
    """Return the plain under everything, up to the horizon."""
    mesh = Mesh()
    mesh.add(flat((-900, 900), -0.05, (layout.first, layout.last + 4000)), LAWN, TERRAIN)
    return mesh.freeze()


def surfaces(layout: Layout) -> list[Faces]:
    """Return the level ground in strips across the street."""
    strips = []
    for s0 in np.arange(layout.first, layout.last, STEP):
        s = (float(s0), float(s0) + STEP)
        middle = s[0] + STEP / 2
        mesh = Mesh()
        if layout.crossing_at(middle):
            mesh.add(flat((-60, 60), 0, s), ASPHALT, ROAD, material=Material.ASPHALT)
            strips.append(mesh.freeze(key=s[0]))
            continue
        inside = layout.tunnel_at(middle)
        edge = TUNNEL_HALF if inside else BUILDING_LINE + 0.3
        if not inside:
            for x in ((-60.0, -edge), (edge, 60.0)):
                mesh.add(flat(x, 0.1, s), LAWN, TERRAIN, material=Material.GRASS)
        mesh.add(flat((-KERB, KERB), 0, s), ASPHALT, ROAD, material=Material.ASPHALT)
        for sign in (-1, 1):
            pavement = flat((sign * KERB, sign * edge), KERB_HEIGHT, s)
            mesh.add(pavement, PAVEMENT, SIDEWALK, material=Material.PAVING)
            kerb_top = flat((sign * KERB, sign * (KERB + 0.16)), KERB_HEIGHT, s)
            mesh.add(kerb_top, (176, 174, 168), SIDEWALK, decal=True, reach=60)
            mesh.add(side(sign * KERB, (0, KERB_HEIGHT), s), (130, 128, 124), SIDEWALK)
        strips.append(mesh.freeze(key=s[0]))
    return strips


def markings(layout: Layout, rng: np.random.Generator) -> list[Faces]:
    """Return the paint on the road, its worn tracks, patches and manholes."""
    parts = []

    def lay(
        mesh: Mesh,
        x: tuple[float, float],
        s: tuple[float, float],
        color: Color = PAINT,
        reach: float = 200.0,
    ) -> None:
        mesh.add(flat(x, 0, s), color, ROAD, decal=True, reach=reach, material=Material.ASPHALT)

    for s0 in np.arange(layout.first, layout.last, STEP):
        s = (float(s0), float(s0) + STEP)
        if layout.crossing_at(s[0] + STEP / 2, margin=7.0):
            continue
        mesh = Mesh()
        for x in (-2.35, -0.95, 0.95, 2.35):  # the tracks of tyres
            lay(mesh, (x - 0.24, x + 0.24), s, (84, 84, 87), reach=45)
        for sign in (-1, 1):
            lay(mesh, (sign * (KERB - 0.34), sign * KERB), s, (104, 102, 99), reach=60)
            if not layout.tunnel_at(s[0] + 2, 6):
                across = (sign * (LANE_WIDTH - 0.05), sign * (LANE_WIDTH + 0.07))
                lay(mesh, across, (s[0] + 0.3, s[0] + 1.5), reach=110)
            else:
                lay(mesh, (sign * (LANE_WIDTH - 0.05), sign * (LANE_WIDTH + 0.09)), s)
        if round(s0 / STEP) % 2 == 0 or layout.tunnel_at(s[0] + 2, 20):
            lay(mesh, (-0.07, 0.07), (s[0], s[1] if layout.tunnel_at(s[0] + 2, 20) else s[0] + 3.6))
        if rng.random() < 0.16:
            x, wide = float(rng.uniform(-2.6, 2.2)), float(rng.uniform(0.7, 1.9))
            along = (s[0] + 0.4, s[0] + float(rng.uniform(1.4, 3.6)))
            lay(mesh, (x, x + wide), along, (78, 78, 80), 60)
        if rng.random() < 0.12:
            x = float(rng.uniform(-3, 3))
            ring = [(a, 0.0, s[0] + 2 + b) for a, b, _ in disc(x, 0, 0, 0.33, 12)]
            mesh.add(ring, (58, 57, 56), ROAD, decal=True, reach=50)
        parts.append(mesh.freeze(key=s[0]))
    for begin, end in layout.crossings:
        for near in (begin - 4.2, end + 1.2):
            mesh = Mesh()
            for x in np.arange(-KERB + 0.4, KERB - 0.3, 1.0):
                lay(mesh, (float(x), float(x) + 0.52), (near, near + 3.0))
            parts.append(mesh.freeze(key=near))
        stop = Mesh()
        lay(stop, (0.1, LANE_WIDTH - 0.1), (begin - 6.2, begin - 5.75))
        parts.append(stop.freeze(key=begin - 6.2))
    return parts
