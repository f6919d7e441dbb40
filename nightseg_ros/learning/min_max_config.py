# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a zero-shot adaptation: how day frames are darkened, and how alike they must look."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import TrainConfig
from nightseg_ros.learning.set_names import figure_name

LAST = "last"


@dataclass(frozen=True)
class MinMaxConfig(TrainConfig):
    """One training of a segmentation network on day frames and their darkened copies."""

    recipe: str = "min_max"
    darken: str = "module:runs/darkening/darkening.pt"  # gamma | brightness | ... | module:FILE
    exposure: tuple[float, float] = (0.0, 0.2)  # mean grey of the darkened copies
    noise: float = 0.025  # of the exposure, by pixel and by patch
    cell: int = 64  # side of a patch in pixels
    shrink: int = 2  # a module finds its curves on views this many times smaller
    similarity: float = 0.1  # weight; 0 = the labels alone
    momentum: float = 0.99  # of the slow copy that the network has to predict
    monitor: str = (
        LAST  # or miou/NAME of a set of day frames: nights may be measured, not chosen on
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        where = f"recipe {self.name}"
        low, high = self.exposure
        if not 0.0 <= low < high <= 1.0:
            raise NightsegError(f"{where}: exposure is {self.exposure}; use 0 <= low < high <= 1")
        if min(self.noise, self.similarity) < 0 or min(self.cell, self.shrink) < 1:
            raise NightsegError(
                f"{where}: noise is {self.noise}, similarity {self.similarity}, cell {self.cell}, "
                f"shrink {self.shrink}; use 0 up, 0 up, 1 up and 1 up"
            )
        if not 0.0 <= self.momentum < 1.0:
            raise NightsegError(f"{where}: momentum is {self.momentum}; use 0 up to, without, 1")
        if self.compile:
            raise NightsegError(f"{where}: compile hides the features of the stages; leave it")

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
