# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a zero-shot training of an image classifier."""

from __future__ import annotations

from dataclasses import dataclass, field

from nightseg_ros.errors import NightsegError


@dataclass(frozen=True)
class ClassifierConfig:
    """Which classifier, and how wide."""

    name: str = "resnet18_classifier"
    classes: int = 10
    width: float = 1.0


@dataclass(frozen=True)
class MinMaxClassifierConfig:
    """One training on day pictures and, where `darken` names a way, their darkened copies."""

    name: str
    folder: str  # SPLIT/CLASS/*.jpg
    recipe: str = "min_max_classifier"
    network: ClassifierConfig = field(default_factory=ClassifierConfig)
    train: str = "train"  # split of day pictures
    val: tuple[str, ...] = ()  # splits that are measured while training; never chosen on
    test: tuple[str, ...] = ()  # splits that are measured once, at the end
    init: str = ""  # checkpoint to start from
    darken: str = ""  # "" = day pictures alone | gamma | brightness | ... | module:FILE
    exposure: tuple[float, float] = (0.0, 0.2)
    noise: float = 0.025
    cell: int = 16
    similarity: float = 0.1
    momentum: float = 0.99
    stages: tuple[str, ...] = ("trunk.layer4",)
    view: int = 224
    cache: int = 256  # side at which pictures are kept in memory
    crop: tuple[float, float] = (0.5, 1.0)  # share of the picture's area that a view shows
    jitter: float = 0.3
    steps: int = 28_000
    batch: int = 32
    lr: float = 1e-3
    weight_decay: float = 1e-5
    val_every: int = 1000
    seed: int = 0
    precision: str = "bf16-mixed"
    devices: int = 1
    nodes: int = 1

    def __post_init__(self) -> None:
        where = f"recipe {self.name}"
        for key in ("steps", "batch", "val_every", "view", "cache", "cell"):
            if getattr(self, key) < 1:
                raise NightsegError(f"{where}: {key} is {getattr(self, key)}; use 1 up")
        low, high = self.exposure
        if not 0.0 <= low < high <= 1.0:
            raise NightsegError(f"{where}: exposure is {self.exposure}; use 0 <= low < high <= 1")
        if not 0.0 < self.crop[0] <= self.crop[1] <= 1.0 or not 0.0 <= self.jitter <= 1.0:
            raise NightsegError(
                f"{where}: crop is {self.crop}, jitter {self.jitter}; use shares of 1"
            )
        if min(self.noise, self.similarity) < 0 or not 0.0 <= self.momentum < 1.0:
            raise NightsegError(
                f"{where}: noise is {self.noise}, similarity {self.similarity}, momentum "
                f"{self.momentum}; use 0 up, momentum without 1"
            )
        for split in (self.train, *self.val):
            if "night" in split:
                raise NightsegError(
                    f"{where}: split '{split}' is named after the night; zero-shot training sees "
                    "the day only, name night splits in test"
                )
