# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""UNIT: day and night are two pictures of one latent scene.

Each domain has a variational auto-encoder, and both code into the same space: coding a day frame
and decoding it as night is the translation. The blocks next to the latent space are shared.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.learning.image_features import load_features, normalised_distance
from nightseg_ros.learning.methods import Method
from nightseg_ros.learning.methods.unit.config import UnitConfig
from nightseg_ros.learning.networks.unit import (
    ScaledDiscriminator,
    UnitDecoder,
    UnitEncoder,
    UnitGenerator,
    kaiming,
    latent_divergence,
    share_blocks,
    with_noise,
)
from nightseg_ros.learning.unpaired import Made, Unpaired, from_real, train_unpaired


class Unit(Unpaired):
    """Two encoders, two decoders, two discriminators; five kinds of losses."""

    config: UnitConfig

    def __init__(self, config: UnitConfig, day: Tensor, night: Tensor) -> None:
        super().__init__(config, day, night)
        self.weight_decay = config.weight_decay
        shape = (config.filters, config.blocks)
        self.encode_day, self.encode_night = UnitEncoder(*shape), UnitEncoder(*shape)
        self.decode_day, self.decode_night = UnitDecoder(*shape), UnitDecoder(*shape)
        for part in self.generator_parts():
            kaiming(part)
        last = range(config.blocks - config.shared, config.blocks)
        share_blocks(self.encode_day.blocks, self.encode_night.blocks, last)
        share_blocks(self.decode_day.blocks, self.decode_night.blocks, range(config.shared))
        discriminator = (config.judge_filters, config.judge_scales)
        self.discriminator_night, self.discriminator_day = (
            ScaledDiscriminator(*discriminator),
            ScaledDiscriminator(*discriminator),
        )
        # In a list, so that it is no part of this module and of its checkpoints.
        self._features: list[nn.Module] = []
        if config.perceptual:
            self._features.append(load_features(Path(config.perceptual_network)))

    def setup(self, stage: str) -> None:
        """Move images and the perceptual network to the device once."""
        super().setup(stage)
        for network in self._features:
            network.to(self.device)

    def make(self, day: Tensor, night: Tensor) -> Made:
        """Code, decode in both domains, and code what was translated again."""
        config = self.config
        day_code, night_code = self.encode_day(day), self.encode_night(night)
        day_sample, night_sample = with_noise(day_code), with_noise(night_code)
        made_night, made_day = self.decode_night(day_sample), self.decode_day(night_sample)
        again_day_code, again_night_code = self.encode_night(made_night), self.encode_day(made_day)
        again_day = self.decode_day(with_noise(again_day_code))
        again_night = self.decode_night(with_noise(again_night_code))
        same = F.l1_loss(self.decode_day(day_sample), day)
        same = same + F.l1_loss(self.decode_night(night_sample), night)
        losses = {
            "gan": config.gan
            * (
                from_real(self.discriminator_night(made_night))
                + from_real(self.discriminator_day(made_day))
            ),
            "reconstruction": config.reconstruction * same,
            "cycle": config.cycle * (F.l1_loss(again_day, day) + F.l1_loss(again_night, night)),
            "kl": config.kl * (latent_divergence(day_code) + latent_divergence(night_code)),
            "cycle_kl": config.cycle_kl
            * (latent_divergence(again_day_code) + latent_divergence(again_night_code)),
        }
        for network in self._features:
            distance = _perceptual(network, made_night, day) + _perceptual(network, made_day, night)
            losses["perceptual"] = config.perceptual * distance
        return Made(made_night, made_day, losses)

    def generator_parts(self) -> tuple[nn.Module, ...]:
        """Return encoders and decoders."""
        return self.encode_day, self.encode_night, self.decode_day, self.decode_night

    def translators(self) -> dict[str, nn.Module]:
        """Return each domain's encoder with the other's decoder."""
        return {
            "night2day": UnitGenerator(self.encode_night, self.decode_day),
            "day2night": UnitGenerator(self.encode_day, self.decode_night),
        }

    def rate_factor(self, step: int) -> float:
        """Return the rate's halves, as they come."""
        return float(0.5 ** (step // self.config.halve_every))


def _perceptual(network: nn.Module, made: Tensor, source: Tensor) -> Tensor:
    """Return how far the content of a translation, in [-1, 1], is from that of its source."""
    with torch.no_grad():
        wanted = network((source + 1) / 2)
    return normalised_distance(network((made + 1) / 2), wanted)


METHOD = Method(UnitConfig, partial(train_unpaired, Unit))
