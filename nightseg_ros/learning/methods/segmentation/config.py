# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a training of a segmentation network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_file import find_label_set
from nightseg_ros.learning.augmentation import AugmentConfig
from nightseg_ros.learning.keys import Keys, key
from nightseg_ros.learning.limits import (
    AUTO,
    at_least,
    filled,
    one_of,
    share_below_one,
    sides,
    within,
)
from nightseg_ros.learning.network_config import NetworkConfig
from nightseg_ros.learning.source_config import SourceConfig

if TYPE_CHECKING:
    from nightseg_ros.labels.label_set import LabelSet

LOSSES = ("ce", "focal", "combined", "ce_mse")


@dataclass(frozen=True)
class TrainConfig(Keys):
    """One training run of a segmentation network."""

    name: str
    train: tuple[SourceConfig, ...] = key("training sets", limit=filled("at least one set"))
    val: tuple[str, ...] = key('validation sets; " + " joins several as one')
    recipe: str = "segmentation"
    labels: str = key("label set by name, or the YAML file of one", "cityscapes19")
    network: NetworkConfig = key("the network", factory=NetworkConfig)
    augment: AugmentConfig = key("how training views are varied", factory=AugmentConfig)
    init: str = key(
        "checkpoint or model folder to start from; where it has other classes than `labels`, the "
        "layers that give them start afresh; none = fresh weights",
        "",
    )
    keep: float = key(
        "share of the weights it starts from that the result keeps, with norms measured anew",
        0.0,
        within(0, 1),
    )
    teacher: str = key(
        "checkpoint or model folder whose scores are matched, beside the labels; none = labels "
        "alone",
        "",
    )
    distill: float = key(
        "share of the loss that matches the scores of the teacher", 0.5, within(0, 1)
    )
    loss: str = key(
        "ce | focal | combined = alpha ce + (1 - alpha) focal, per pixel | ce_mse = ce + squared "
        "error of the probabilities",
        "ce",
        one_of(LOSSES),
    )
    alpha: float = key("share of the cross entropy in the combined loss", 0.5, within(0, 1))
    gamma: float = key("exponent of the focal loss", 2.0, at_least(0))
    monitor: str = key("validation figure that chooses the checkpoint, or last", "miou/mean")
    whole: float = key(
        "share of the steps, at the end, on whole frames at `test_size`", 0.0, within(0, 1)
    )
    fill_after: int = key(
        "steps after which sets with `fill` are labelled where they are not", 0, at_least(0)
    )
    view: tuple[int, int] = key("height and width of the training views", (224, 384), sides(8, 8))
    cache: tuple[int, int] = key(
        "height and width at which frames are kept in memory", (288, 512), sides(8, 8)
    )
    test_size: tuple[int, int] = key(
        "height and width at which validation runs", (272, 480), sides(8, 8)
    )
    steps: int = 2000
    until: int = key(
        "stop after this many steps, with the learning rates of `steps`; 0 = after `steps`",
        0,
        at_least(0),
    )
    batch: int = 8
    lr: float = 0.0006
    weight_decay: float = key("weight decay", 0.01, at_least(0))
    ema: float = key(
        "share of the running average of the weights that is kept at a step",
        0.998,
        share_below_one(),
    )
    val_every: int = key("steps between validations", 300, at_least(1))
    patience: int = key(
        "validations without a gain before the training stops; 0 = never", 0, at_least(0)
    )
    seed: int = 0
    precision: str = AUTO
    compile: bool = key("compile the network with torch.compile", False)
    devices: int = 1
    nodes: int = 1

    def check(self) -> None:
        """Refuse values that do not go together."""
        where = f"recipe {self.name}"
        labels = self.label_set
        if self.keep and not self.init:
            raise NightsegError(
                f"{where}: keep is {self.keep}, but it starts from fresh weights; name what it "
                "starts from in init"
            )
        if self.network.classes != labels.count:
            raise NightsegError(
                f"{where}: network.classes is {self.network.classes}; labels are read as "
                f"{labels.name}, use {labels.count}"
            )

    @property
    def label_set(self) -> LabelSet:
        """The classes that the network learns."""
        return find_label_set(self.labels)
