# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a zero-shot adaptation: how day frames are darkened, and how alike they must look."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.learning.keys import key
from nightseg_ros.learning.limits import at_least, rising, share_below_one
from nightseg_ros.learning.methods.segmentation.config import TrainConfig
from nightseg_ros.learning.source_config import figure_name

LAST = "last"


@dataclass(frozen=True)
class MinMaxConfig(TrainConfig):
    """One training of a segmentation network on day frames and their darkened copies."""

    recipe: str = "min_max"
    darken: str = key(
        "gamma | brightness | reciprocal | module:CHECKPOINT", "module:runs/darkening/darkening.pt"
    )
    exposure: tuple[float, float] = key(
        "range of the mean grey of the darkened copies", (0.0, 0.2), rising(0, 1, strictly=True)
    )
    noise: float = key("spread of the exposure, by pixel and by patch", 0.025, at_least(0))
    cell: int = key("side of a patch in pixels", 64, at_least(1))
    shrink: int = key("a module finds its curves on views this many times smaller", 2, at_least(1))
    similarity: float = key(
        "weight of the same features by day and darkened; 0 = labels alone", 0.1, at_least(0)
    )
    momentum: float = key("share of the slow copy that is kept at a step", 0.99, share_below_one())
    monitor: str = key(
        "last, or miou/NAME of a set of day frames: a night set chooses nothing", LAST
    )

    def check(self) -> None:
        """Refuse values that do not go together."""
        super().check()
        if self.compile:
            raise self.refused("compile hides the features of the stages; leave it")

    def method(self) -> tuple[str, str]:
        """Return the name of the darkening and the checkpoint that it needs, if any."""
        name, _, checkpoint = self.darken.partition(":")
        return name, checkpoint

    def chosen_on(self) -> tuple[str, ...]:
        """Return the validation sets that decide which checkpoint is kept."""
        if self.monitor == LAST:
            return ()
        if self.monitor == "miou/mean":
            return self.val
        return tuple(spec for spec in self.val if self.monitor == f"miou/{figure_name(spec)}")
