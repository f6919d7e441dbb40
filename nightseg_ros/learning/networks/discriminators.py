# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Discriminators: the 70x70 PatchGAN of images, and AdaptSegNet's of soft-max maps."""

from __future__ import annotations

from torch import Tensor, nn


class PatchDiscriminator(nn.Module):
    """Says of every overlapping 70x70 patch how real it looks; no sigmoid (least squares)."""

    def __init__(self, filters: int = 64) -> None:
        super().__init__()
        f = filters
        layers: list[nn.Module] = [nn.Conv2d(3, f, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for width_in, width_out, stride in ((f, 2 * f, 2), (2 * f, 4 * f, 2), (4 * f, 8 * f, 1)):
            layers += [
                nn.Conv2d(width_in, width_out, 4, stride=stride, padding=1),
                nn.InstanceNorm2d(width_out),
                nn.LeakyReLU(0.2),
            ]
        layers.append(nn.Conv2d(8 * f, 1, 4, padding=1))
        self.layers = nn.Sequential(*layers)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, 0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, 1, h, w) scores: 1 is real, 0 is made."""
        y: Tensor = self.layers(x)
        return y


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

    def forward(self, probabilities: Tensor) -> Tensor:
        """Return (N, 1, h, w) scores at 1/32 of the size: below 0 is source, above is target."""
        y: Tensor = self.layers(probabilities)
        return y
