# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of NiSeNet: of the fusion of its two channels, and of the sweep over all its parts."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import SourceConfig


@dataclass(frozen=True)
class FusionConfig:
    """One training of the patch fusion over two frozen channels, and their temperatures."""

    name: str
    real: str  # checkpoint of the real channel
    adaptive: str  # checkpoint of the adaptive channel
    train: tuple[SourceConfig, ...]  # labelled night frames that neither channel was trained on
    recipe: str = "nisenet_fusion"
    val: tuple[str, ...] = ()  # told about, never trained on or chosen by
    width: float = 1.0  # of the filters as drawn
    size: tuple[int, int] = (144, 256)  # of the maps that the patches are cut from
    steps: int = 300
    batch: int = 64  # patches
    lr: float = 1e-3
    save_every: int = 100
    seed: int = 0
    precision: str = "32-true"
    devices: int = 1
    nodes: int = 1

    def __post_init__(self) -> None:
        where = f"recipe {self.name}"
        if not self.train:
            raise NightsegError(f"{where}: train is empty; name labelled night frames")
        for key in ("steps", "batch", "save_every"):
            if getattr(self, key) < 1:
                raise NightsegError(f"{where}: {key} is {getattr(self, key)}; use 1 up")
        if self.width <= 0:
            raise NightsegError(f"{where}: width is {self.width}; use a number above 0")
        if any(side < 16 or side % 16 for side in self.size):
            raise NightsegError(f"{where}: size is {self.size}; use multiples of 16")


@dataclass(frozen=True)
class NisenetConfig:
    """Both channels, AdaptSegNet and the fusion, with several seeds."""

    name: str
    real: str  # recipe of the real channel; its val sets are what all is measured on
    adaptive: str  # recipe of the adaptive channel
    adaptsegnet: str  # recipe of AdaptSegNet alone, day to night
    fusion: str  # recipe of the patch fusion
    recipe: str = "nisenet"
    held_out: int = 57  # labelled frames that no channel is trained on, for the fusion
    controls: bool = False  # also DeepLabV3+ by cross entropy alone, and synthetic night unadapted
    rounds: int = 2000  # of the bootstrap
    seeds: tuple[int, ...] = (0, 1, 2)

    def __post_init__(self) -> None:
        if not self.seeds:
            raise NightsegError(f"recipe {self.name}: seeds is empty; name at least one")
        for key in ("held_out", "rounds"):
            if getattr(self, key) < 1:
                raise NightsegError(f"recipe {self.name}: {key} is {getattr(self, key)}; use 1 up")
