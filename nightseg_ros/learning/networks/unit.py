# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""UNIT's networks: an encoder into a latent space that day and night share, and a decoder out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.learning.networks.generators import ResidualBlock


class UnitEncoder(nn.Module):
    """c7s1-f, two downs, `blocks` residual blocks: the mean of the latent code at 1/4 size."""

    def __init__(self, filters: int, blocks: int) -> None:
        super().__init__()
        f = filters
        layers: list[nn.Module] = [*_convolved(3, f, 7, 1)]
        for width in (f, 2 * f):
            layers += _convolved(width, 2 * width, 4, 2)
        self.front = nn.Sequential(*layers)
        self.blocks = nn.ModuleList(ResidualBlock(4 * f) for _ in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, 4 f, H/4, W/4) of images in [-1, 1]."""
        y: Tensor = self.front(x)
        for block in self.blocks:
            y = block(y)
        return y


class UnitDecoder(nn.Module):
    """`blocks` residual blocks, two ups by repetition, c7s1-3, tanh."""

    def __init__(self, filters: int, blocks: int) -> None:
        super().__init__()
        f = filters
        self.blocks = nn.ModuleList(ResidualBlock(4 * f) for _ in range(blocks))
        layers: list[nn.Module] = []
        for width in (4 * f, 2 * f):
            layers += [
                nn.Upsample(scale_factor=2, mode="nearest"),
                nn.ReflectionPad2d(2),
                nn.Conv2d(width, width // 2, 5),
                nn.GroupNorm(1, width // 2),  # one group: the layer norm of the paper
                nn.ReLU(inplace=True),
            ]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(f, 3, 7), nn.Tanh()]
        self.back = nn.Sequential(*layers)

    def forward(self, code: Tensor) -> Tensor:
        """Return images in [-1, 1]."""
        for block in self.blocks:
            code = block(code)
        y: Tensor = self.back(code)
        return y


class UnitGenerator(nn.Module):
    """One domain's encoder before the other's decoder; without noise, as it is used."""

    def __init__(self, encoder: UnitEncoder, decoder: UnitDecoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x: Tensor) -> Tensor:
        """Map images in [-1, 1] to images in [-1, 1]."""
        y: Tensor = self.decoder(self.encoder(x))
        return y


class ScaledDiscriminator(nn.Module):
    """The same discriminator at full size, half size and so on, each with weights of its own."""

    def __init__(self, filters: int = 64, scales: int = 3, layers: int = 4) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(_discriminator(filters, layers) for _ in range(scales))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, 0.02)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the scores of every scale: 1 is real, 0 is made."""
        scores = []
        for discriminator in self.discriminators:
            scores.append(discriminator(x))
            x = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        return scores


def share_blocks(first: nn.ModuleList, second: nn.ModuleList, numbers: range) -> None:
    """Let `second` use the very blocks of `first` at these places."""
    for number in numbers:
        second[number] = first[number]


def kaiming(network: nn.Module) -> None:
    """Start every convolution as the paper does."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, a=0.0, mode="fan_in")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def with_noise(code: Tensor) -> Tensor:
    """Return a sample of the latent code: its mean with noise of unit variance."""
    return code + torch.randn_like(code)


def latent_divergence(code: Tensor) -> Tensor:
    """Return the divergence, up to a factor, of N(code, 1) from N(0, 1)."""
    return code.float().square().mean()


def _convolved(channels_in: int, channels_out: int, kernel: int, stride: int) -> list[nn.Module]:
    return [
        nn.ReflectionPad2d((kernel - stride) // 2),
        nn.Conv2d(channels_in, channels_out, kernel, stride),
        nn.InstanceNorm2d(channels_out),
        nn.ReLU(inplace=True),
    ]


def _discriminator(filters: int, count: int) -> nn.Module:
    """Return strided convolutions with layer norm, and a 1x1 convolution to one score."""
    layers: list[nn.Module] = []
    channels = 3
    for index in range(count):
        width = filters * 2**index
        layers += [nn.ReflectionPad2d(1), nn.Conv2d(channels, width, 4, 2)]
        if index:
            layers.append(nn.GroupNorm(1, width))
        layers.append(nn.LeakyReLU(0.2))
        channels = width
    return nn.Sequential(*layers, nn.Conv2d(channels, 1, 1))
