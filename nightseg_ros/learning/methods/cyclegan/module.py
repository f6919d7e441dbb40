# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""CycleGAN: what goes to night and back must be what it was."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from torch.nn import functional as F

from nightseg_ros.learning.methods import Method
from nightseg_ros.learning.methods.cyclegan.config import TranslateConfig
from nightseg_ros.learning.networks.create_generator import create_generator
from nightseg_ros.learning.networks.discriminators import PatchDiscriminator
from nightseg_ros.learning.unpaired import Made, Unpaired, from_real, train_unpaired

if TYPE_CHECKING:
    from torch import Tensor, nn


class CycleGan(Unpaired):
    """Two generators and two discriminators; least-squares GAN, cycle and identity losses."""

    config: TranslateConfig

    def __init__(self, config: TranslateConfig, day: Tensor, night: Tensor) -> None:
        super().__init__(config, day, night)
        kind = (config.generator, config.filters, config.blocks)
        self.to_night, self.to_day = create_generator(*kind), create_generator(*kind)
        judge_filters = 64 if config.generator == "resnet" else 32
        self.discriminator_night = PatchDiscriminator(judge_filters)
        self.discriminator_day = PatchDiscriminator(judge_filters)

    def make(self, day: Tensor, night: Tensor) -> Made:
        """Translate there and back."""
        config = self.config
        made_night, made_day = self.to_night(day), self.to_day(night)
        cycle = F.l1_loss(self.to_day(made_night), day) + F.l1_loss(self.to_night(made_day), night)
        losses = {
            "gan": from_real(self.discriminator_night(made_night))
            + from_real(self.discriminator_day(made_day)),
            "cycle": config.cycle * cycle,
        }
        if config.identity:
            same = F.l1_loss(self.to_night(night), night) + F.l1_loss(self.to_day(day), day)
            losses["identity"] = config.cycle * config.identity * same
        return Made(made_night, made_day, losses)

    def generator_parts(self) -> tuple[nn.Module, ...]:
        """Return both generators."""
        return self.to_night, self.to_day

    def translators(self) -> dict[str, nn.Module]:
        """Return both generators."""
        return {"night2day": self.to_day, "day2night": self.to_night}

    def rate_factor(self, step: int) -> float:
        """Return 1 in the first half, then a straight line to 0."""
        return min(1.0, max(0.0, 2.0 - 2.0 * step / self.config.steps))


METHOD = Method(TranslateConfig, partial(train_unpaired, CycleGan))
