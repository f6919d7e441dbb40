# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""DeepLabV3+ (Chen et al., 2018) on MobileNetV2 at 1/16, its convolutions separable."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nightseg_ros.learning.networks.peers.blocks import conv_norm, enlarge, separable
from nightseg_ros.learning.networks.segmenter import Segmenter

# expansion, channels, blocks, stride, dilation
STAGES = (
    (1, 16, 1, 1, 1),
    (6, 24, 2, 2, 1),
    (6, 32, 3, 2, 1),
    (6, 64, 4, 2, 1),
    (6, 96, 3, 1, 1),
    (6, 160, 3, 1, 2),
    (6, 320, 1, 1, 2),
)
EARLY = 2
"""How many stages lie before the features at 1/4 that the decoder takes."""


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; add the input where it fits."""

    def __init__(self, channels: int, out: int, expansion: int, stride: int, dilation: int) -> None:
        super().__init__()
        wide = channels * expansion
        layers = [] if expansion == 1 else [conv_norm(channels, wide, activation=nn.ReLU6)]
        layers += [
            conv_norm(
                wide, wide, 3, stride=stride, dilation=dilation, groups=wide, activation=nn.ReLU6
            ),
            conv_norm(wide, out, activation=None),
        ]
        self.body = nn.Sequential(*layers)
        self.residual = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's features."""
        y: Tensor = self.body(x)
        return x + y if self.residual else y


class Aspp(nn.Module):
    """The same features seen through 3x3 windows of several sizes, and as one average."""

    def __init__(
        self, channels: int, out: int = 256, rates: tuple[int, ...] = (12, 24, 36)
    ) -> None:
        super().__init__()
        self.views = nn.ModuleList(
            [conv_norm(channels, out), *(separable(channels, out, rate) for rate in rates)]
        )
        self.average = conv_norm(channels, out)
        self.project = nn.Sequential(
            conv_norm((len(rates) + 2) * out, out), nn.Dropout(0.5), separable(out, out)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out, H, W)."""
        average = self.average(x.mean((2, 3), keepdim=True))
        views = [view(x) for view in self.views]
        y: Tensor = self.project(torch.cat([*views, average.expand_as(views[0])], 1))
        return y


class DeepLabV3Plus(Segmenter):
    """Scores are at 1/4 of the input size, whose sides are multiples of 8."""

    stride = 8

    def __init__(self, classes: int = 19) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv_norm(3, 32, 3, stride=2, activation=nn.ReLU6)]
        channels, split = 32, 0
        for index, (expansion, out, blocks, stride, dilation) in enumerate(STAGES):
            for block in range(blocks):
                first = stride if block == 0 else 1
                layers.append(InvertedResidual(channels, out, expansion, first, dilation))
                channels = out
            if index + 1 == EARLY:
                split = len(layers)
        layers.append(conv_norm(channels, 1280, activation=nn.ReLU6))
        self.early, self.late = nn.Sequential(*layers[:split]), nn.Sequential(*layers[split:])
        self.aspp = Aspp(1280)
        self.skip = conv_norm(STAGES[EARLY - 1][1], 48)
        self.fuse = separable(256 + 48, 256)
        self.head = nn.Conv2d(256, classes, 1)

    def logits(self, x: Tensor) -> Tensor:
        """Return class scores at 1/4 of the input size."""
        early = self.early(x)
        late = enlarge(self.aspp(self.late(early)), early)
        scores: Tensor = self.head(self.fuse(torch.cat([late, self.skip(early)], 1)))
        return scores
