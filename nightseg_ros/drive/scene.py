# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plans the street from a seed: objects, moving traffic, and what casts shadows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.drive import furniture, ground
from nightseg_ros.drive.buildings import house
from nightseg_ros.drive.ground import Layout
from nightseg_ros.drive.mesh import Color, Faces
from nightseg_ros.drive.plants import bush, tree
from nightseg_ros.drive.shadows import Caster
from nightseg_ros.drive.street import BUILDING_LINE, KERB, LANE_WIDTH, Street
from nightseg_ros.drive.traffic import Mover, traffic
from nightseg_ros.drive.tunnel import tunnel
from nightseg_ros.drive.vehicles import any_vehicle

VIEW = 240.0
"""The range of the camera in metres."""
SPEED = 11.0
"""Metres per second of the camera."""


class Backdrop:
    """Static faces, from far to near, with their world coordinates."""

    def __init__(self, faces: Faces, street: Street) -> None:
        self._faces = faces.ordered()
        self._world = street.to_world(self._faces.points)
        self._starts = np.concatenate([[0], np.cumsum(self._faces.count)])

    def between(self, behind: float, s: float, ahead: float) -> tuple[Faces, NDArray]:
        """Return the faces with keys from `behind` to `ahead` that reach the camera at s."""
        keys = self._faces.key
        first, last = np.searchsorted(-keys, [-ahead, -behind])
        corners = slice(self._starts[first], self._starts[last])
        part = Faces(
            **{
                name: value[corners if name == "points" else slice(first, last)]
                for name, value in self._faces.__dict__.items()
            }
        )
        mask = part.key - np.float32(s) < part.reach
        return part.where(mask), self._world[corners][np.repeat(mask, part.count)]


@dataclass(frozen=True)
class Scene:
    """A planned street."""

    street: Street
    layout: Layout
    movers: Sequence[Mover]
    lamps: NDArray  # (L, 3) street coordinates of the lamp heads
    shops: Sequence[tuple[float, float, float, Color]]
    casters: Sequence[Caster]
    plain: Faces
    backdrops: tuple[Backdrop, Backdrop, Backdrop]
    """Level ground, the markings on it, and the objects on it."""


class _Planner:
    def __init__(self, seed: int, distance: float) -> None:
        self.rng = np.random.default_rng(seed)
        self.distance = distance
        first, last = -24.0, distance + VIEW
        rng = self.rng
        length = float(np.clip(round(0.21 * distance / 8) * 8, 48, 200))
        begin = round((0.25 * distance + float(rng.uniform(-4, 4))) / 4) * 4.0
        tunnel = (begin, begin + length)
        crossings, s = [], 40.0 + 4 * int(rng.integers(-2, 3))
        while s < last - 20:
            if s + 12 < tunnel[0] - 24 or s > tunnel[1] + 24:
                crossings.append((s, s + 12))
            s += 4 * int(rng.integers(18, 28))
        self.layout = Layout(first, last, tunnel, tuple(crossings))
        self.parts: list[Faces] = []
        self.casters: list[Caster] = []
        self.lamps: list[tuple[float, float, float]] = []
        self.shops: list[tuple[float, float, float, Color]] = []

    def put(self, faces: Faces, x: float, s: float, *, turned: bool = False) -> None:
        self.parts.append(faces.moved(x, s, turned=turned))

    def free(self, s: float, margin: float = 0.0) -> bool:
        return not (self.layout.crossing_at(s, margin) or self.layout.tunnel_at(s, margin))

    def sides(self) -> None:
        """Line both sides with houses and some parks."""
        for sign in (-1, 1):
            s, parks = self.layout.first, 0
            while s < self.layout.last:
                if not self.free(s + 0.1, 1.5):
                    s += 1.0
                    continue
                limit = s + float(self.rng.uniform(11, 19))
                end = s + 1.0
                while end < limit and self.free(end + 1.0, 1.5):
                    end += 1.0
                if end - s < 7 or (self.rng.random() < 0.2 and parks < 2):
                    self._park(sign, s, end)
                    parks += 1
                else:
                    back = float(self.rng.choice([0.0, 0.0, 0.25, 0.6]))
                    made = house(self.rng, sign, BUILDING_LINE + back, (s, end))
                    self.parts.append(made.faces)
                    self.shops += made.shops
                    x, half = sign * (BUILDING_LINE + 6), (6.0, (end - s) / 2)
                    caster = Caster(x, (s + end) / 2, half, (0, made.height), house=True)
                    self.casters.append(caster)
                    parks = 0
                s = end

    def _park(self, sign: int, s: float, end: float) -> None:
        walled = self.rng.random() < 0.4
        x = sign * (BUILDING_LINE + 0.1)
        # Short pieces, so that each is painted between the objects behind and in front of it.
        for at in np.arange(s, end, 2.0):
            length = min(2.0, end - float(at))
            piece = furniture.low_wall(x, length, sign) if walled else furniture.fence(x, length)
            self.parts.append(piece.moved(0, float(at), key=float(at) + length))
        for at in np.arange(end - 1.0, s, -3.4):
            offset = sign * float(self.rng.uniform(2.6, 15))
            where = max(s + 1.0, float(at) + float(self.rng.uniform(-1, 1)))
            if self.rng.random() < 0.62:
                self._tree(x + offset, where, big=True)
            else:
                self.put(bush(self.rng, float(self.rng.uniform(0.7, 1.5))), x + offset, where)
        for deep in (20.0, 27.0):  # the far edge of the park
            for at in np.arange(s + 1, end, 3.5):
                self.put(tree(self.rng, big=True), x + sign * deep, float(at))

    def _tree(self, x: float, s: float, *, big: bool = False) -> None:
        self.put(tree(self.rng, big=big), x, s)
        size = 2.4 if big else 1.6
        self.casters.append(Caster(x, s, (size, size), (2.6, 6.5 if big else 5.2)))
        self.casters.append(Caster(x, s, (0.16, 0.16), (0, 3)))

    def sidewalks(self) -> None:
        """Set lamps, trees, signs and bins along both kerbs."""
        rng = self.rng
        for index, s in enumerate(np.arange(self.layout.first + 4, self.layout.last, 16.0)):
            sign = -1 if index % 2 else 1
            if not self.free(float(s), 4.0):
                continue
            x = sign * (KERB + 0.55)
            self.put(furniture.lamp(sign), x, float(s))
            tip = x - sign * (furniture.LAMP_ARM - 0.3)
            self.lamps.append((tip, furniture.LAMP_HEIGHT, float(s)))
            self.casters.append(Caster(x, float(s), (0.08, 0.08), (0, furniture.LAMP_HEIGHT)))
        for sign in (-1, 1):
            for s in np.arange(self.layout.first + 8, self.layout.last, 6.5):
                if not self.free(float(s), 5.0):
                    continue
                x, pick = sign * (KERB + 0.9), rng.random()
                if pick < 0.36:
                    self._tree(x + 0.3 * sign, float(s))
                elif pick < 0.46:
                    self.put(furniture.sign_post(rng), sign * (KERB + 0.4), float(s))
                elif pick < 0.54:
                    self.put(furniture.bin_can(), x, float(s))
        for begin, end in self.layout.crossings:
            phase = int(rng.choice([2, 2, 1, 0]))
            self.put(furniture.traffic_light(1, phase), KERB + 0.4, begin - 5.2)
            self.put(furniture.traffic_light(-1, phase), -KERB - 0.4, end + 5.2)
            self.put(furniture.sign_post(rng), KERB + 0.5, begin - 9.0)

    def parked(self) -> None:
        """Park cars along both kerbs, with gaps."""
        for sign in (-1, 1):
            s = self.layout.first
            while s < self.layout.last:
                s += float(self.rng.uniform(5.4, 6.6))
                if not self.free(s, 9.0) or self.rng.random() < 0.36:
                    continue
                x = sign * (LANE_WIDTH + 1.2 + float(self.rng.uniform(-0.08, 0.12)))
                self.put(unlit(any_vehicle(self.rng, parked=True)), x, s, turned=sign < 0)
                self.casters.append(Caster(x, s, (0.85, 2.1), (0, 1.25), touches=True))


def unlit(faces: Faces) -> Faces:
    """Return a parked vehicle: its lights stay off."""
    return Faces(**{**faces.__dict__, "glow": np.zeros_like(faces.glow)})


def plan(seed: int, distance: float) -> Scene:
    """Plan a street on which the camera will drive `distance` metres."""
    planner = _Planner(seed, distance)
    street = Street(planner.layout.last, planner.rng)
    planner.sides()
    planner.sidewalks()
    planner.parked()
    layout, rng = planner.layout, planner.rng
    things = Faces.joined([*planner.parts, *tunnel(layout, rng)])
    surfaces = Faces.joined(ground.surfaces(layout))
    paints = Faces.joined(ground.markings(layout, rng))
    return Scene(
        street=street,
        layout=layout,
        movers=traffic(rng, layout, distance, SPEED),
        lamps=np.array(planner.lamps, np.float32).reshape(-1, 3),
        shops=planner.shops,
        casters=planner.casters,
        plain=ground.plain(layout),
        backdrops=(Backdrop(surfaces, street), Backdrop(paints, street), Backdrop(things, street)),
    )
