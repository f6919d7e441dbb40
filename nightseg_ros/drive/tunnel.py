# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tunnel: lining and lamps in segments along the street, and the portal under its hill."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import numpy as np

from nightseg_ros.drive.classes import TERRAIN, UNLABELLED, WALL
from nightseg_ros.drive.ground import TUNNEL_HALF, Layout
from nightseg_ros.drive.mesh import Color, Faces, Material, Mesh, Point, Switch, flat, front, side
from nightseg_ros.drive.plants import bush

LINING: Color = (150, 144, 134)
TUNNEL_HEIGHT = 5.7
TUNNEL_LAMP_STEP = 8.0


def tunnel(layout: Layout, rng: np.random.Generator) -> list[Faces]:
    """Return lining, lamps and the two portals; the lining has no train id."""
    parts = []
    begin, end = layout.tunnel
    lamp: Color = (255, 206, 140)
    for s0 in np.arange(begin, end - 0.01, TUNNEL_LAMP_STEP / 2):
        s = (float(s0), min(float(s0) + TUNNEL_LAMP_STEP / 2, end))
        mesh = Mesh()
        within: Point = (0, 2.5, s[0] + 2)
        over = (s[0], s[1] + 0.05)  # so that no light leaks through a seam
        shoulder = TUNNEL_HEIGHT - 1.3
        concrete: dict[str, Any] = {"label": UNLABELLED, "material": Material.CONCRETE}
        ceiling = flat((-TUNNEL_HALF + 1.65, TUNNEL_HALF - 1.65), TUNNEL_HEIGHT, over)
        mesh.add(ceiling, (112, 106, 98), **concrete)
        for sign in (-1, 1):
            foot, head = sign * TUNNEL_HALF, sign * (TUNNEL_HALF - 1.7)
            mesh.add(side(foot, (0, shoulder + 0.06), over), LINING, **concrete)
            slope = [
                (foot, shoulder, s[0]),
                (foot, shoulder, over[1]),
                (head, TUNNEL_HEIGHT + 0.03, over[1]),
                (head, TUNNEL_HEIGHT + 0.03, s[0]),
            ]
            mesh.add(slope, (126, 120, 110), **concrete)
            away = (3 * foot, within[1], within[2])
            mesh.decal(side(foot, (0.25, 2.7), s), (196, 190, 176), UNLABELLED, away)
            mesh.decal(side(foot, (2.7, 2.85), s), (70, 96, 112), UNLABELLED, away)
            joint = side(foot, (0.25, 2.7), (s[0], s[0] + 0.06))
            mesh.decal(joint, (120, 116, 108), UNLABELLED, away, reach=50)
        odd = round((s0 - begin) / (TUNNEL_LAMP_STEP / 2)) % 2
        lit: dict[str, Any] = {"label": UNLABELLED, "switch": Switch.ALWAYS}
        if not odd:
            for x in (-2.3, 2.3):
                place = ((x - 0.22, x + 0.22), TUNNEL_HEIGHT - 0.02, (s[0] + 0.8, s[1] - 0.4))
                mesh.decal(flat(*place), lamp, glow=0.62, **lit)
        elif int(s0) % 3 == 0:
            exit_sign = side(TUNNEL_HALF, (2.0, 2.4), (s[0] + 1, s[0] + 1.9))
            mesh.decal(exit_sign, (60, 230, 130), away=(20, 2, s[0]), glow=0.22, **lit)
        parts.append(mesh.freeze(key=s[1] + 0.2))
    # The far portal is only seen from inside.
    return parts + _portal(begin, rng)


def _portal(s: float, rng: np.random.Generator) -> list[Faces]:
    mesh = Mesh()
    top, stone, rim = 8.4, (150, 138, 122), (184, 174, 156)
    shoulder, head = TUNNEL_HEIGHT - 1.3, TUNNEL_HALF - 1.7
    hill: Color = (92, 112, 60)
    crest = [(-60, 10), (-34, 16), (-12, 14.2), (6, 15), (30, 17), (60, 11)]
    for (x0, y0), (x1, y1) in pairwise(crest):
        mesh.add(
            [(x0, top - 1, s + 6), (x1, top - 1, s + 6), (x1, y1, s + 6), (x0, y0, s + 6)],
            hill,
            TERRAIN,
            material=Material.GRASS,
            normal=(0, 0.6, -0.8),
        )
    wall: dict[str, Any] = {"color": stone, "label": WALL, "material": Material.BRICK}
    edge: dict[str, Any] = {"color": rim, "label": WALL, "away": (0, 1, s + 9)}
    for sign in (-1, 1):
        mesh.add(front((sign * TUNNEL_HALF, sign * 60), (0, top), s), **wall)
        corner = [
            (sign * TUNNEL_HALF, shoulder, s),
            (sign * TUNNEL_HALF, top, s),
            (sign * head, top, s),
            (sign * head, TUNNEL_HEIGHT, s),
        ]
        mesh.add(corner, **wall)
        mesh.decal(
            front((sign * TUNNEL_HALF, sign * (TUNNEL_HALF + 0.5)), (0, shoulder), s), **edge
        )
    mesh.add(front((-head, head), (TUNNEL_HEIGHT, top), s), **wall)
    mesh.decal(front((-head, head), (TUNNEL_HEIGHT, TUNNEL_HEIGHT + 0.5), s), **edge)
    mesh.decal(front((-60, 60), (top - 0.5, top), s), **edge)
    parts = [mesh.freeze(key=s)]
    for x in rng.uniform(-30, 30, 16):
        grown = bush(rng, float(rng.uniform(1.0, 2.0)))
        raised = np.array([0, rng.uniform(top - 0.3, top + 1.6), 0], np.float32)
        moved = dataclasses.replace(grown, points=grown.points + raised).moved(float(x), s + 0.5)
        parts.append(moved)
    return parts
