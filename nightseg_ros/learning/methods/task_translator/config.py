# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a translator that learns for the network behind it."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.learning.keys import key
from nightseg_ros.learning.limits import at_least, one_of, within
from nightseg_ros.learning.methods.segmentation.config import TrainConfig
from nightseg_ros.learning.network_config import NetworkConfig

GENERATORS = ("resnet", "light")


@dataclass(frozen=True)
class TaskTranslatorConfig(TrainConfig):
    """One training of a night-to-day translator that a frozen day model has to profit from.

    Sources with `relight` are day frames of which nights are made; the others are night frames
    already, of which only the labels are known.
    """

    recipe: str = "task_translator"
    day_model: str = key("checkpoint of the segmentation network behind the translator", "")
    generator: str = key("kind of the generators", "light", one_of(GENERATORS))
    filters: int = key("filters of the first layer of a generator", 24, at_least(1))
    blocks: int = key("residual blocks of the generator", 11, at_least(1))
    day2night: str = key("checkpoint of a generator that makes some of the nights", "")
    generated: float = key(
        "share of the nights that it makes; the others are relit", 0.0, within(0, 1)
    )
    task: float = key(
        "weight of the labels, as the day model sees the translated frame", 1.0, at_least(0)
    )
    consistency: float = key(
        "weight of the scores that the day model gives to the day frame", 0.25, at_least(0)
    )
    reconstruction: float = key("weight of the L1 distance from the day frame", 1.0, at_least(0))
    features: float = key(
        "weight of the features that the day model has of the day frame", 0.1, at_least(0)
    )
    big: str = key("checkpoint of a large night-to-day generator to imitate; none = none", "")
    imitation: float = key("weight of its features", 0.5, at_least(0))

    def check(self) -> None:
        """Refuse values that do not go together."""
        super().check()
        if not self.day_model:
            raise self.refused("day_model is empty; name its checkpoint")
        if self.teacher or self.compile:
            raise self.refused("teacher and compile are for recipe segmentation; leave them")
        if self.generated and not self.day2night:
            raise self.refused(
                f"generated is {self.generated}, but day2night is empty; name the generator"
            )
        if self.network != NetworkConfig():
            raise self.refused(
                f"network is {self.network.name}, but it is that of day_model; leave it out"
            )
