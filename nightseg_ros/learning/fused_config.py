# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a recipe that fuses two trained networks: which two, and whether they learn on."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import NetworkConfig, TrainConfig


@dataclass(frozen=True)
class FusedConfig(TrainConfig):
    """One training of the head that weighs two segmentation networks."""

    recipe: str = "fused"
    channels: tuple[str, ...] = ()  # checkpoints of the two networks
    frozen: bool = True  # only the head learns

    def __post_init__(self) -> None:
        super().__post_init__()
        where = f"recipe {self.name}"
        if len(self.channels) != 2:
            raise NightsegError(
                f"{where}: channels are {list(self.channels)}; name the checkpoints of two networks"
            )
        if self.init or self.compile:
            raise NightsegError(
                f"{where}: init and compile are for recipe segmentation; leave them"
            )
        if self.network.name not in ("fused", NetworkConfig().name):
            raise NightsegError(
                f"{where}: network is {self.network.name}, but it follows from channels; leave it"
            )
