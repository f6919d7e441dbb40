# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""MobileNetV2 (Sandler et al., 2018) as a trunk: features at 1/4, 1/8, 1/16 and 1/32 of the image.

Its blocks are wide inside and narrow outside, and what leaves them is not rectified.
"""

from __future__ import annotations

from torch import Tensor, nn

ROWS = (
    ((1, 16, 1, 1), (6, 24, 2, 2)),
    ((6, 32, 3, 2),),
    ((6, 64, 4, 2), (6, 96, 3, 1)),
    ((6, 160, 3, 2), (6, 320, 1, 1)),
)
"""(expansion, channels, blocks, stride of the first) of each group, by layer of the trunk."""


class InvertedResidual(nn.Module):
    """1x1 to many channels, 3x3 each on its own, 1x1 back to few, beside a shortcut."""

    def __init__(self, inside: int, outside: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = inside * expansion
        layers: list[nn.Module] = []
        if expansion > 1:
            layers += [nn.Conv2d(inside, middle, 1, bias=False), *_norm(middle)]
        layers += [
            nn.Conv2d(middle, middle, 3, stride, 1, groups=middle, bias=False),
            *_norm(middle),
            nn.Conv2d(middle, outside, 1, bias=False),
            nn.BatchNorm2d(outside),
        ]
        self.layers = nn.Sequential(*layers)
        self.shortcut = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        """Return the features."""
        y: Tensor = self.layers(x)
        return x + y if self.shortcut else y


class MobileNetV2(nn.Module):
    """The trunk alone, in four layers as our residual networks have them."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        inside = _channels(32, width)
        self.first = nn.Sequential(nn.Conv2d(3, inside, 3, 2, 1, bias=False), *_norm(inside))
        widths = []
        for number, groups in enumerate(ROWS):
            blocks = []
            for expansion, channels, count, stride in groups:
                outside = _channels(channels, width)
                for index in range(count):
                    step = stride if index == 0 else 1
                    blocks.append(InvertedResidual(inside, outside, step, expansion))
                    inside = outside
            setattr(self, f"layer{number + 1}", nn.Sequential(*blocks))
            widths.append(inside)
        self.widths = tuple(widths)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the four feature maps, the largest first."""
        x = self.first(x)
        taps = []
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
            taps.append(x)
        return taps


def _channels(count: int, width: float) -> int:
    return max(8, round(count * width / 8) * 8)


def _norm(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(channels), nn.ReLU6(inplace=True)
