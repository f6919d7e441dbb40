# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a recipe that fuses two trained networks: which two, and whether they learn on."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.learning.keys import key
from nightseg_ros.learning.methods.segmentation.config import TrainConfig
from nightseg_ros.learning.network_config import NetworkConfig


@dataclass(frozen=True)
class FusedConfig(TrainConfig):
    """One training of the head that weighs two segmentation networks."""

    recipe: str = "fused"
    channels: tuple[str, ...] = key("checkpoints of the two networks", ())
    frozen: bool = key("only the head learns", True)

    def check(self) -> None:
        """Refuse values that do not go together."""
        super().check()
        if len(self.channels) != 2:
            raise self.refused(
                f"channels are {list(self.channels)}; name the checkpoints of two networks"
            )
        if self.init or self.compile:
            raise self.refused("init and compile are for recipe segmentation; leave them")
        if self.network.name not in ("fused", NetworkConfig().name):
            raise self.refused(
                f"network is {self.network.name}, but it follows from channels; leave it"
            )
