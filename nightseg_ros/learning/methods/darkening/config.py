# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recipes that train a curve for every pixel: to darken day frames, or to brighten dark ones."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.learning.keys import Keys, key
from nightseg_ros.learning.limits import (
    AUTO,
    above,
    at_least,
    filled,
    one_of,
    rising,
    share_above_zero,
    sides,
    within,
)
from nightseg_ros.learning.networks.darkening import CURVES


@dataclass(frozen=True)
class CurveConfig(Keys):
    """What both have: day frames, the kind of curve, and the losses they share."""

    name: str
    images: tuple[str, ...] = key(
        "sets that say that their frames are of the day",
        limit=filled("at least one set of day frames"),
    )
    recipe: str = ""
    curve: str = key("quadratic = as published | gamma | reciprocal", "quadratic", one_of(CURVES))
    rounds: int = key("times that the quadratic curve is applied", 8, at_least(1))
    floor: float = key("least scale of the quadratic curve", 0.95, share_above_zero())
    shrink: int = key("curves are found on frames so many times smaller", 1, at_least(1))
    gain: float = key("exposures are shown to the network so many times as large", 1.0, above(0))
    exposure: tuple[float, float] = key(
        "range of the mean grey values that are asked for", (0.0, 0.5), rising(0, 1)
    )
    apply_at: float = key("the mean grey value of exports and translations", 0.1, within(0, 1))
    exposure_weight: float = key(
        "weight of the distance from the exposure that was asked for", 10.0, at_least(0)
    )
    exposure_patch: int = key(
        "side, in pixels, of the patches whose exposure is compared", 1, at_least(1)
    )
    colour: float = key("weight of colour constancy", 25.0, at_least(0))
    smooth: float = key("weight of smooth curves", 1600.0, at_least(0))
    flex: float = key("weight of a scale near 1", 1.0, at_least(0))
    cache: tuple[int, int] = key(
        "height and width at which frames are kept in memory", (256, 512), sides(1, 16)
    )
    view: tuple[int, int] = key(
        "height and width of the crops that are trained on", (256, 512), sides(8, 16)
    )
    steps: int = 2000
    batch: int = 4
    lr: float = key(
        "learning rate; a tenth of it after a third of the steps, a hundredth after two thirds",
        0.0001,
    )
    weight_decay: float = key("weight decay", 0.0001, at_least(0))
    clip: float = key("largest norm of the gradient; 0 = any", 0.1, at_least(0))
    save_every: int = key("steps between checkpoints to resume from", 250, at_least(1))
    seed: int = 0
    precision: str = AUTO
    devices: int = 1
    nodes: int = 1

    def check(self) -> None:
        """Refuse values that do not go together."""
        if any(v > c for v, c in zip(self.view, self.cache, strict=True)):
            raise self.refused(f"view {self.view} is larger than cache {self.cache}")


@dataclass(frozen=True)
class DarkeningConfig(CurveConfig):
    """One darkening module, against one frozen day network."""

    recipe: str = "darkening"
    day_model: str = key("checkpoint of the network that darkened frames are to be hard for", "")
    stages: tuple[str, ...] = key(
        "its submodules whose features are compared; none = its own stages", ()
    )
    similarity: float = key(
        "weight of the similarity of the features, which is lowered", 0.1, at_least(0)
    )
    loose: float = key("step of the curves that costs most", 0.02, above(0))

    def check(self) -> None:
        """Refuse values that do not go together."""
        super().check()
        if self.similarity and not self.day_model:
            raise self.refused(
                "day_model is empty; name a checkpoint that saw day frames "
                "only, or set similarity=0"
            )
