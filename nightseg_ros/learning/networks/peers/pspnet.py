# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""PSPNet (Zhao et al., 2017) on the first half of a ResNet-18, its fast form.

The pyramid sits on the features at 1/8, so the third and fourth stage of the trunk are never run
and not here; libraries that keep them in memory count their 10.5 M parameters too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nightseg_ros.learning.networks.peers.blocks import conv_norm, enlarge
from nightseg_ros.learning.networks.pooling import GridPool
from nightseg_ros.learning.networks.segmenter import Segmenter

WIDTHS = (64, 128, 256, 512)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around which the input is carried past."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_norm(channels, out, 3, stride=stride),
            conv_norm(out, out, 3, activation=None),
        )
        fits = stride == 1 and channels == out
        self.past: nn.Module = (
            nn.Identity() if fits else conv_norm(channels, out, stride=stride, activation=None)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's features."""
        return nn.functional.relu(self.body(x) + self.past(x))


def resnet18(stages: int) -> nn.Sequential:
    """Return the trunk of a ResNet-18 down to its first one to four stages."""
    layers: list[nn.Module] = [conv_norm(3, 64, 7, stride=2), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for index, width in enumerate(WIDTHS[:stages]):
        layers += [BasicBlock(channels, width, 2 if index else 1), BasicBlock(width, width, 1)]
        channels = width
    return nn.Sequential(*layers)


class PspNet(Segmenter):
    """Scores are at 1/8 of the input size, whose sides are multiples of 8."""

    stride = 8

    def __init__(self, classes: int = 19, grids: tuple[int, ...] = (1, 2, 3, 6)) -> None:
        super().__init__()
        self.trunk = resnet18(2)
        channels = WIDTHS[1]
        each = channels // len(grids)
        self.pools = nn.ModuleList(GridPool(grid) for grid in grids)
        self.branches = nn.ModuleList(conv_norm(channels, each) for _ in grids)
        self.fuse = conv_norm(2 * channels, 512)
        self.head = nn.Conv2d(512, classes, 3, padding=1)

    def logits(self, x: Tensor) -> Tensor:
        """Return class scores at 1/8 of the input size."""
        x = self.trunk(x)
        context = [
            enlarge(branch(pool(x)), x)
            for pool, branch in zip(self.pools, self.branches, strict=True)
        ]
        scores: Tensor = self.head(self.fuse(torch.cat([*context, x], 1)))
        return scores
