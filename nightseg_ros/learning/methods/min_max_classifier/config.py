# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a zero-shot training of an image classifier."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.learning.keys import Keys, key
from nightseg_ros.learning.limits import AUTO, at_least, filled, rising, share_below_one, within
from nightseg_ros.learning.network_config import ClassifierConfig


@dataclass(frozen=True)
class MinMaxClassifierConfig(Keys):
    """One training on day pictures and, where `darken` names a way, their darkened copies."""

    name: str
    folder: str = key(
        "folder of pictures, SPLIT/CLASS/*.jpg", limit=filled("the folder of the pictures")
    )
    recipe: str = "min_max_classifier"
    network: ClassifierConfig = key("the classifier", factory=ClassifierConfig)
    train: str = key("split of day pictures to train on", "train")
    val: tuple[str, ...] = key("splits that are measured while training; they choose nothing", ())
    test: tuple[str, ...] = key("splits that are measured once, at the end", ())
    init: str = key("checkpoint to start from; none = fresh weights", "")
    darken: str = key(
        "gamma | brightness | reciprocal | module:CHECKPOINT; none = day pictures alone", ""
    )
    exposure: tuple[float, float] = key(
        "range of the mean grey of the darkened copies", (0.0, 0.2), rising(0, 1, strictly=True)
    )
    noise: float = key("spread of the exposure, by pixel and by patch", 0.025, at_least(0))
    cell: int = key("side of a patch in pixels", 16, at_least(1))
    similarity: float = key(
        "weight of the same features by day and darkened; 0 = labels alone", 0.1, at_least(0)
    )
    momentum: float = key("share of the slow copy that is kept at a step", 0.99, share_below_one())
    stages: tuple[str, ...] = key(
        "submodules whose features are compared", ("trunk.layer4",), filled("at least one stage")
    )
    view: int = key("side of the training views in pixels", 224, at_least(1))
    cache: int = key("side at which pictures are kept in memory", 256, at_least(1))
    crop: tuple[float, float] = key(
        "range of the share of a picture that a view shows",
        (0.5, 1.0),
        rising(0, 1, from_above=True),
    )
    jitter: float = key(
        "change of brightness, contrast and saturation, either way", 0.3, within(0, 1)
    )
    steps: int = 28000
    batch: int = 32
    lr: float = 0.001
    weight_decay: float = key("weight decay", 1e-05, at_least(0))
    val_every: int = key("steps between validations", 1000, at_least(1))
    seed: int = 0
    precision: str = AUTO
    devices: int = 1
    nodes: int = 1

    def check(self) -> None:
        """Refuse values that do not go together."""
        for split in (self.train, *self.val):
            if "night" in split:
                raise self.refused(
                    f"split '{split}' is named after the night; zero-shot training sees "
                    "the day only, name night splits in test"
                )
