# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The moving traffic: a car ahead, oncoming cars, riders, and pedestrians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nightseg_ros.drive.mesh import Faces
from nightseg_ros.drive.people import STEPS, pedestrian, rider
from nightseg_ros.drive.street import EGO_X, KERB
from nightseg_ros.drive.vehicles import any_vehicle, car

if TYPE_CHECKING:
    from nightseg_ros.drive.ground import Layout


@dataclass(frozen=True)
class Mover:
    """An object that moves along the street at constant speed."""

    poses: Sequence[Faces]
    x: float
    s: float
    speed: float
    half: tuple[float, float]
    """Half its width and length in metres, for shadows."""
    height: float
    pace: float = 0.0
    """Walking or pedalling cycles per second."""
    sway: float = 0.0
    """Metres of oscillation along the street, so that a gap is not constant."""
    lights: bool = False

    @property
    def turned(self) -> bool:
        """Whether it faces the camera."""
        return self.speed < 0

    def place(self, seconds: float) -> tuple[float, float]:
        """Return x and s at a time of the drive."""
        swing = self.sway * np.sin(0.5 * seconds)
        return self.x, float(self.s + self.speed * seconds + swing)

    def pose(self, seconds: float) -> Faces:
        """Return the faces at a time, in street coordinates."""
        index = int(seconds * self.pace * STEPS) % len(self.poses)
        x, s = self.place(seconds)
        return self.poses[index].moved(x, s, turned=self.turned)


def traffic(rng: np.random.Generator, layout: Layout, distance: float, ego: float) -> list[Mover]:
    """Return the traffic that a camera at `ego` metres per second will meet."""
    movers = []

    def meets(at: float, speed: float) -> float:
        """Return the start of a mover that is level with the camera at `at`."""
        return at - speed * at / ego

    ahead = car((148, 32, 30)) if rng.random() < 0.5 else any_vehicle(rng, parked=False)
    start = float(rng.uniform(24, 30))
    movers.append(Mover([ahead], EGO_X, start, ego, (0.85, 2.1), 1.3, sway=4.0, lights=True))
    at = float(rng.uniform(18, 34))
    while at < distance + 60:
        speed = -float(rng.uniform(7.5, 10.5))
        faces, start = [any_vehicle(rng, parked=False)], meets(at, speed)
        movers.append(Mover(faces, -EGO_X, start, speed, (0.85, 2.2), 1.3, lights=True))
        at += float(rng.uniform(16, 52))
    for at in np.arange(26, distance + 60, 85):
        motor = rng.random() < 0.3
        speed = 4.2 if not motor else 6.0
        start = meets(float(at), speed)
        poses = rider(rng, motor=motor)
        movers.append(Mover(poses, KERB - 2.55, start, speed, (0.25, 0.8), 1.5, pace=1.1))
    for sign in (-1, 1):
        at = 6.0
        while at < distance + 120:
            at += float(rng.exponential(9.0)) + 2.0
            standing = rng.random() < 0.15
            speed = 0.001 if standing else float(rng.choice([-1, 1]) * rng.uniform(1.0, 1.6))
            x = sign * float(rng.uniform(KERB + 1.6, KERB + 3.2))
            if layout.tunnel_at(at, 12):
                continue
            poses = pedestrian(rng, standing=standing)
            for index in range(1 + int(rng.random() < 0.25)):
                if index:
                    poses = pedestrian(rng, standing=standing)
                place, start = x + 0.65 * index, meets(at, speed)
                movers.append(Mover(poses, place, start, speed, (0.22, 0.16), 1.7, pace=0.95))
    return movers
