# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The fully convolutional discriminator of AdaptSegNet, which looks at chances, not at images."""

from __future__ import annotations

from torch import Tensor, nn


class OutputDiscriminator(nn.Module):
    """Says of every part of a soft-max map how much it looks like one of the target."""

    def __init__(self, classes: int, filters: int = 64) -> None:
        super().__init__()
        f = filters
        layers: list[nn.Module] = []
        for inside, outside in ((classes, f), (f, 2 * f), (2 * f, 4 * f), (4 * f, 8 * f)):
            layers += [nn.Conv2d(inside, outside, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        layers.append(nn.Conv2d(8 * f, 1, 4, stride=2, padding=1))
        self.layers = nn.Sequential(*layers)

    def forward(self, chances: Tensor) -> Tensor:
        """Return (N, 1, h, w) scores at 1/32 of the size: below 0 is source, above is target."""
        y: Tensor = self.layers(chances)
        return y
