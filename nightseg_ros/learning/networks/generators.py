# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image-to-image generators: the residual one of CycleGAN, and a light one for real time."""

from __future__ import annotations

from torch import Tensor, nn


def _norm(channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels)


def _halved(width: int) -> list[nn.Module]:
    """Return a strided convolution to half the size and twice the channels."""
    halve = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
    return [halve, _norm(2 * width), nn.ReLU(inplace=True)]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around which the input is carried past."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            _norm(channels),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            _norm(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        y: Tensor = x + self.body(x)
        return y


class ResnetGenerator(nn.Module):
    """c7s1-f, two downs, `blocks` residual blocks, two ups, c7s1-3, tanh; sides multiples of 4."""

    def __init__(self, filters: int = 64, blocks: int = 9) -> None:
        super().__init__()
        f = filters
        layers: list[nn.Module] = [
            nn.ReflectionPad2d(3),
            nn.Conv2d(3, f, 7),
            _norm(f),
            nn.ReLU(inplace=True),
        ]
        layers += [*_halved(f), *_halved(2 * f)]
        layers += [ResidualBlock(4 * f) for _ in range(blocks)]
        for width in (4 * f, 2 * f):
            layers += [
                nn.ConvTranspose2d(width, width // 2, 3, stride=2, padding=1, output_padding=1),
                _norm(width // 2),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(f, 3, 7), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Map images in [-1, 1] to images in [-1, 1]."""
        y: Tensor = self.layers(x)
        return y


def _separable(channels_in: int, channels_out: int) -> list[nn.Module]:
    """Return a 3x3 convolution per channel and a 1x1 across them, at an eighth of the cost."""
    return [
        nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False),
        nn.Conv2d(channels_in, channels_out, 1),
        _norm(channels_out),
    ]


class LightBlock(nn.Module):
    """A residual block of separable convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_separable(channels, channels), nn.ReLU(inplace=True), *_separable(channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        y: Tensor = x + self.body(x)
        return y


class LightGenerator(nn.Module):
    """About 0.3 M parameters and 3 GMAC at 480x272; sides multiples of 4.

    The same hourglass as the residual generator, in separable convolutions. It predicts a change of
    the image rather than an image, so that it starts as the identity and keeps edges sharp.
    """

    def __init__(self, filters: int = 24, blocks: int = 12) -> None:
        super().__init__()
        f = filters
        layers: list[nn.Module] = [nn.Conv2d(3, f, 7, padding=3), _norm(f), nn.ReLU(inplace=True)]
        layers += [*_halved(f), *_halved(2 * f)]
        layers += [LightBlock(4 * f) for _ in range(blocks)]
        for width in (4 * f, 2 * f):
            layers += [
                nn.Upsample(scale_factor=2, mode="nearest"),
                *_separable(width, width // 2),
                nn.ReLU(inplace=True),
            ]
        self.layers = nn.Sequential(*layers)
        self.last = nn.Conv2d(f, 3, 7, padding=3)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Map images in [-1, 1] to images in [-1, 1]."""
        change: Tensor = self.last(self.layers(x))
        return (x + 2.0 * change.tanh()).clamp(-1.0, 1.0)
