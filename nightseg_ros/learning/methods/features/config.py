# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a training in which a network learns the features of another one."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.keys import key
from nightseg_ros.learning.limits import at_least, filled
from nightseg_ros.learning.methods.segmentation.config import TrainConfig


@dataclass(frozen=True)
class FeaturesConfig(TrainConfig):
    """A segmentation training whose loss is how far features are from those of the teacher."""

    recipe: str = "features"
    student_stage: str = key(
        "the module of the network whose output is to predict the features", "pyramid"
    )
    teacher_stages: tuple[str, ...] = key(
        "modules of the teacher whose outputs are predicted", ("head.0",), filled("at least one")
    )
    label_weight: float = key("weight of the loss of the labels beside it", 0.0, at_least(0))

    def check(self) -> None:
        """Refuse values that do not go together."""
        super().check()
        where = f"recipe {self.name}"
        if not self.teacher or not self.distill:
            raise NightsegError(f"{where}: features are those of a teacher; name one")
        if self.compile:
            raise NightsegError(f"{where}: compile is for recipe segmentation; leave it out")
