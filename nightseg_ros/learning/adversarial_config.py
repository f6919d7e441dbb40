# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of an output-space adversarial adaptation, with the weights of AdaptSegNet."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import TrainConfig

SMALLEST_VIEW = 32  # what five halvings leave something of


@dataclass(frozen=True)
class AdversarialConfig(TrainConfig):
    """A segmentation training on `train`, whose outputs on `target` have to look alike.

    With network.auxiliary both outputs are adapted, else the main one alone.
    """

    recipe: str = "adversarial"
    target: tuple[str, ...] = ()  # unlabelled images
    target_count: int = 0  # 0 = all; otherwise this many, drawn with the seed
    adversarial: float = 0.001  # weight of deceiving the judge of the main output
    adversarial_auxiliary: float = 0.0002  # and that of the auxiliary one
    label_auxiliary: float = 0.1  # weight of the labels at the auxiliary output
    judge_filters: int = 64
    judge_lr: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        where = f"recipe {self.name}"
        if not self.target:
            raise NightsegError(f"{where}: target is empty; name at least one set of images")
        if self.teacher or self.compile:
            raise NightsegError(
                f"{where}: teacher and compile are for recipe segmentation; leave them"
            )
        weights = ("adversarial", "adversarial_auxiliary", "label_auxiliary", "judge_lr")
        if min(getattr(self, key) for key in weights) < 0:
            raise NightsegError(f"{where}: {', '.join(weights)} must be 0 or more")
        if self.judge_filters < 1 or self.target_count < 0:
            raise NightsegError(
                f"{where}: judge_filters is {self.judge_filters}, target_count "
                f"{self.target_count}; use 1 up, and 0 up"
            )
        if min(self.view) < SMALLEST_VIEW:
            raise NightsegError(
                f"{where}: view is {self.view}; the judges need {SMALLEST_VIEW} pixels a side"
            )
