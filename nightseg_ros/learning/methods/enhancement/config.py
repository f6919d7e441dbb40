# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a module that brightens dark frames."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.learning.keys import key
from nightseg_ros.learning.limits import at_least, rising
from nightseg_ros.learning.methods.darkening.config import CurveConfig


@dataclass(frozen=True)
class EnhancementConfig(CurveConfig):
    """One brightening module, by the losses of Zero-DCE, on darkened day frames."""

    recipe: str = "enhancement"
    exposure: tuple[float, float] = (0.4, 0.6)
    apply_at: float = 0.5
    exposure_patch: int = 16
    colour: float = 5.0
    smooth: float = 200.0
    darkened: tuple[float, float] = key(
        "range of the mean grey values of the frames, made by gamma",
        (0.02, 0.25),
        rising(0, 1, from_above=True),
    )
    spatial: float = key("weight of the contrast between neighbouring regions", 1.0, at_least(0))

    def check(self) -> None:
        """Refuse values that do not go together."""
        super().check()
        if any(side % self.exposure_patch for side in self.view):
            raise self.refused(
                f"view is {self.view}; use multiples of exposure_patch ({self.exposure_patch})"
            )
