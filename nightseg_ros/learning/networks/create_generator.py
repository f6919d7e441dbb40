# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The generators by name."""

from __future__ import annotations

from torch import nn

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.networks.generators import LightGenerator, ResnetGenerator
from nightseg_ros.learning.networks.unit import UnitDecoder, UnitEncoder, UnitGenerator


def create_generator(kind: str, filters: int, blocks: int) -> nn.Module:
    """Return the generator that a recipe names."""
    if kind == "resnet":
        network: nn.Module = ResnetGenerator(filters, blocks)
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, 0.0, 0.02)
        return network
    if kind == "light":
        return LightGenerator(filters, blocks)
    if kind == "unit":
        return UnitGenerator(UnitEncoder(filters, blocks), UnitDecoder(filters, blocks))
    raise NightsegError(f"generator '{kind}' is unknown; there are resnet, light and unit")
