# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Who moves: a car ahead, oncoming traffic, riders, and people on the sidewalks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nightseg_ros.drive.ground import Layout
from nightseg_ros.drive.mesh import Faces
from nightseg_ros.drive.people import STEPS, pedestrian, rider
from nightseg_ros.drive.street import EGO_X, KERB
from nightseg_ros.drive.vehicles import any_vehicle, car


@dataclass(frozen=True)
class Mover:
    """Something that keeps its speed along the street (and across it, for those who cross)."""

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
    """Metres by which the place along the street swings, so that a gap is not frozen."""
    lights: bool = False

    @property
    def turned(self) -> bool:
        """It faces the camera."""
        return self.speed < 0

    def place(self, seconds: float) -> tuple[float, float]:
        """Return x and s at a time of the drive."""
        swing = self.sway * np.sin(0.5 * seconds)
        return self.x, float(self.s + self.speed * seconds + swing)

    def pose(self, seconds: float) -> Faces:
        """Return the faces at a time, in their place in street coordinates."""
        index = int(seconds * self.pace * STEPS) % len(self.poses)
        x, s = self.place(seconds)
        return self.poses[index].moved(x, s, turned=self.turned)


def traffic(rng: np.random.Generator, layout: Layout, distance: float, ego: float) -> list[Mover]:
    """Return everybody whom a camera driving at `ego` metres per second will meet."""
    movers = []

    def meets(at: float, speed: float) -> float:
        """Return where one starts who is level with the camera when that is at `at`."""
        return at - speed * at / ego

    ahead = car((148, 32, 30)) if rng.random() < 0.5 else any_vehicle(rng, parked=False)
    movers.append(
        Mover(
            [ahead], EGO_X, float(rng.uniform(24, 30)), ego, (0.85, 2.1), 1.3, sway=4.0, lights=True
        )
    )
    at = float(rng.uniform(18, 34))
    while at < distance + 60:
        speed = -float(rng.uniform(7.5, 10.5))
        movers.append(
            Mover(
                [any_vehicle(rng, parked=False)],
                -EGO_X,
                meets(at, speed),
                speed,
                (0.85, 2.2),
                1.3,
                lights=True,
            )
        )
        at += float(rng.uniform(16, 52))
    for at in np.arange(26, distance + 60, 85):
        motor = rng.random() < 0.3
        speed = 4.2 if not motor else 6.0
        movers.append(
            Mover(
                rider(rng, motor=motor),
                KERB - 2.55,
                meets(float(at), speed),
                speed,
                (0.25, 0.8),
                1.5,
                pace=1.1,
            )
        )
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
            for beside in range(1 + int(rng.random() < 0.25)):
                if beside:
                    poses = pedestrian(rng, standing=standing)
                movers.append(
                    Mover(
                        poses,
                        x + 0.65 * beside,
                        meets(at, speed),
                        speed,
                        (0.22, 0.16),
                        1.7,
                        pace=0.95,
                    )
                )
    return movers
