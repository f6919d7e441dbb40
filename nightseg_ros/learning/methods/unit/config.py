# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of UNIT."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.keys import key
from nightseg_ros.learning.limits import at_least, one_of, require, within
from nightseg_ros.learning.methods.cyclegan.config import UnpairedConfig


@dataclass(frozen=True)
class UnitConfig(UnpairedConfig):
    """One UNIT: two variational auto-encoders that share a latent space."""

    recipe: str = "unit"
    generator: str = key("kind of the generators", "unit", one_of(("unit",)))
    blocks: int = key("residual blocks of each encoder, and of each decoder", 4)
    shared: int = key("blocks next to the latent space that day and night share", 1, at_least(0))
    lr: float = 0.0001
    weight_decay: float = key("weight decay", 0.0001, at_least(0))
    pool: int = 0
    halve_every: int = key(
        "steps after which the learning rate is halved, again and again", 100000, at_least(1)
    )
    judge_filters: int = key("filters of the first layer of a discriminator", 64, at_least(1))
    judge_scales: int = key("scales at which a discriminator looks", 3, at_least(1))
    gan: float = key("weight of deceiving the discriminators", 1.0, at_least(0))
    reconstruction: float = key(
        "weight of the L1 distance after coding and decoding", 10.0, at_least(0)
    )
    kl: float = key("weight of the divergence of the latent code", 0.01, at_least(0))
    cycle_kl: float = key("weight of that of the code of a translation", 0.01, at_least(0))
    perceptual: float = key("weight of the perceptual loss; 1.0 in the thesis", 0.0, at_least(0))
    perceptual_network: str = key(
        "file of VGG16 weights as torchvision names them, or a checkpoint of ours", ""
    )

    def check(self) -> None:
        """Refuse values that do not go together."""
        super().check()
        require(self.subject, self, shared=within(0, self.blocks))
        smallest = min(self.view) // 2 ** (self.judge_scales - 1)
        if smallest < 16:
            raise NightsegError(
                f"view {self.view} leaves {smallest} pixels to the coarsest of {self.judge_scales} "
                "discriminators; use a larger view or fewer judge_scales"
            )
        if self.perceptual and not self.perceptual_network:
            raise NightsegError(
                f"perceptual is {self.perceptual}, but perceptual_network is empty; name a file of "
                "VGG16 weights, or a day model of ours such as runs/erf_pspnet_day/model.pt, or "
                "set perceptual=0"
            )
