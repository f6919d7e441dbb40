# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of an output-space adversarial adaptation, with the weights of AdaptSegNet."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.learning.keys import key
from nightseg_ros.learning.limits import at_least, filled
from nightseg_ros.learning.methods.segmentation.config import TrainConfig

SMALLEST_VIEW = 32  # what five halvings leave something of


@dataclass(frozen=True)
class AdversarialConfig(TrainConfig):
    """A segmentation training on `train`, whose outputs on `target` have to look alike.

    With network.auxiliary both outputs are adapted, else the main one alone.
    """

    recipe: str = "adversarial"
    target: tuple[str, ...] = key(
        "sets of unlabelled images to adapt to", (), filled("at least one set of images")
    )
    target_count: int = key("use this many of them, drawn with the seed; 0 = all", 0, at_least(0))
    adversarial: float = key(
        "weight of deceiving the discriminator of the main output", 0.001, at_least(0)
    )
    adversarial_auxiliary: float = key(
        "weight of deceiving that of the second output", 0.0002, at_least(0)
    )
    label_auxiliary: float = key("weight of the labels at the second output", 0.1, at_least(0))
    judge_filters: int = key("filters of the first layer of a discriminator", 64, at_least(1))
    judge_lr: float = key("learning rate of the discriminators", 0.0001, at_least(0))

    def check(self) -> None:
        """Refuse values that do not go together."""
        super().check()
        if self.teacher or self.compile:
            raise self.refused("teacher and compile are for recipe segmentation; leave them")
        if min(self.view) < SMALLEST_VIEW:
            raise self.refused(
                f"view is {self.view}; use {SMALLEST_VIEW} pixels a side or more, for the "
                "discriminators"
            )
