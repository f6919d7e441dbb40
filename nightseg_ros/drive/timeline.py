# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The light over the drive: sun, sky and lamps as a function of its progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HOURS = (0.0, 0.25, 0.53, 0.61, 0.69, 0.77, 1.0)
_LEVELS = {
    "elevation": (58.0, 47.0, 15.0, 4.0, -3.0, -9.0, -25.0),
    "azimuth": (-1.15, -1.0, -0.62, -0.46, -0.4, -0.36, -0.3),
    "lamps": (0.0, 0.0, 0.0, 0.0, 0.9, 1.0, 1.0),
    "windows": (0.0, 0.0, 0.12, 0.35, 0.7, 1.0, 0.9),
    "headlights": (0.0, 0.0, 0.25, 0.8, 1.0, 1.0, 1.0),
}
"""One value for each of _HOURS."""
_COLORS = {
    "sun": (
        (5.4, 5.0, 3.4, 1.5, 0.0, 0.0, 0.0),
        (4.9, 4.3, 2.1, 0.55, 0.0, 0.0, 0.0),
        (4.2, 3.5, 1.1, 0.16, 0.0, 0.0, 0.0),
    ),
    "ambient": (
        (1.25, 1.15, 0.7, 0.33, 0.100, 0.030, 0.017),
        (1.5, 1.36, 0.78, 0.34, 0.112, 0.036, 0.020),
        (1.9, 1.7, 1.0, 0.46, 0.175, 0.060, 0.034),
    ),
    "zenith": (
        (0.40, 0.36, 0.2, 0.10, 0.035, 0.007, 0.003),
        (0.82, 0.72, 0.36, 0.14, 0.052, 0.011, 0.0045),
        (1.85, 1.6, 0.8, 0.36, 0.14, 0.034, 0.013),
    ),
    "horizon": (
        (1.7, 1.6, 1.2, 0.98, 0.34, 0.060, 0.026),
        (1.95, 1.7, 0.82, 0.38, 0.16, 0.042, 0.020),
        (2.2, 1.8, 0.48, 0.14, 0.16, 0.058, 0.022),
    ),
}
"""Linear light: red, green and blue at each of _HOURS."""


@dataclass(frozen=True)
class Moment:
    """The state of sky and switches at one frame."""

    elevation: float
    """Degrees of the sun above the horizon."""
    azimuth: float
    """World radians to the right of Z: the sun is, and sets, ahead to the left."""
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
        """The phase of the light: day, dusk, night, or tunnel if the camera is in one."""
        if self.in_tunnel:
            return "tunnel"
        if self.elevation > 12.0:
            return "day"
        return "dusk" if self.elevation > -8.0 else "night"


def moment(progress: float, *, in_tunnel: bool) -> Moment:
    """Return the light at `progress` (0 to 1) of the drive."""

    def at(track: tuple[float, ...]) -> Any:
        return np.float32(np.interp(progress, _HOURS, track))

    levels: dict[str, Any] = {name: float(at(track)) for name, track in _LEVELS.items()}
    if in_tunnel:
        levels["headlights"] = max(levels["headlights"], 0.9)
    colors: dict[str, Any] = {
        name: np.array([*map(at, tracks)]) for name, tracks in _COLORS.items()
    }
    return Moment(**levels, **colors, in_tunnel=in_tunnel)
