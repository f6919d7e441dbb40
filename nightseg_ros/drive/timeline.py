# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What time it is: sun, sky and lamps as a function of how much of the drive is behind us."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_HOURS = (0.0, 0.25, 0.53, 0.61, 0.69, 0.77, 1.0)
_TRACKS: dict[str, tuple[tuple[float, ...], ...]] = {
    # linear light; one row per hour of _HOURS
    "elevation": ((58.0,), (47.0,), (15.0,), (4.0,), (-3.0,), (-9.0,), (-25.0,)),
    "azimuth": ((-1.15,), (-1.0,), (-0.62,), (-0.46,), (-0.4,), (-0.36,), (-0.3,)),
    "sun": (
        (5.4, 4.9, 4.2),
        (5.0, 4.3, 3.5),
        (3.4, 2.1, 1.1),
        (1.5, 0.55, 0.16),
        (0.0, 0.0, 0.0),
        (0.0, 0.0, 0.0),
        (0.0, 0.0, 0.0),
    ),
    "ambient": (
        (1.25, 1.5, 1.9),
        (1.15, 1.36, 1.7),
        (0.7, 0.78, 1.0),
        (0.33, 0.34, 0.46),
        (0.100, 0.112, 0.175),
        (0.030, 0.036, 0.060),
        (0.017, 0.020, 0.034),
    ),
    "zenith": (
        (0.40, 0.82, 1.85),
        (0.36, 0.72, 1.6),
        (0.2, 0.36, 0.8),
        (0.10, 0.14, 0.36),
        (0.035, 0.052, 0.14),
        (0.007, 0.011, 0.034),
        (0.003, 0.0045, 0.013),
    ),
    "horizon": (
        (1.7, 1.95, 2.2),
        (1.6, 1.7, 1.8),
        (1.2, 0.82, 0.48),
        (0.98, 0.38, 0.14),
        (0.34, 0.16, 0.16),
        (0.060, 0.042, 0.058),
        (0.026, 0.020, 0.022),
    ),
    "lamps": ((0.0,), (0.0,), (0.0,), (0.0,), (0.9,), (1.0,), (1.0,)),
    "windows": ((0.0,), (0.0,), (0.12,), (0.35,), (0.7,), (1.0,), (0.9,)),
    "headlights": ((0.0,), (0.0,), (0.25,), (0.8,), (1.0,), (1.0,), (1.0,)),
}


@dataclass(frozen=True)
class Moment:
    """The state of sky and switches at one frame."""

    elevation: float
    """Degrees of the sun above the horizon."""
    azimuth: float
    """World radians to the right of Z: the sun stands, and sets, ahead to the left."""
    sun: NDArray
    ambient: NDArray
    zenith: NDArray
    horizon: NDArray
    lamps: float
    windows: float
    headlights: float
    in_tunnel: bool

    @property
    def phase(self) -> str:
        """The word for the light: day, dusk, night, or tunnel wherever the camera is in one."""
        if self.in_tunnel:
            return "tunnel"
        if self.elevation > 12.0:
            return "day"
        return "dusk" if self.elevation > -8.0 else "night"


def moment(progress: float, *, in_tunnel: bool) -> Moment:
    """Return the light when `progress` (0 to 1) of the drive is done."""
    at = {
        name: np.array(
            [np.interp(progress, _HOURS, column) for column in np.array(rows).T], np.float32
        )
        for name, rows in _TRACKS.items()
    }
    headlights = float(at["headlights"][0])
    return Moment(
        elevation=float(at["elevation"][0]),
        azimuth=float(at["azimuth"][0]),
        sun=at["sun"],
        ambient=at["ambient"],
        zenith=at["zenith"],
        horizon=at["horizon"],
        lamps=float(at["lamps"][0]),
        windows=float(at["windows"][0]),
        headlights=max(headlights, 0.9) if in_tunnel else headlights,
        in_tunnel=in_tunnel,
    )
