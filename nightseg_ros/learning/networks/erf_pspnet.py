# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ERF-PSPNet: the ERFNet encoder of factorised residual blocks with a pyramid pooling decoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.learning.networks import Family
from nightseg_ros.learning.networks.pooling import GridPool
from nightseg_ros.learning.networks.segmenter import Segmenter

BN_EPS = 1e-3


class Downsampler(nn.Module):
    """Halve the size: a strided convolution beside a max pool, so that no information is lost."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out - channels_in, 3, stride=2, padding=1)
        self.pool = nn.MaxPool2d(2, stride=2)
        self.bn = nn.BatchNorm2d(channels_out, eps=BN_EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, channels_out, H/2, W/2)."""
        return F.relu(self.bn(torch.cat([self.conv(x), self.pool(x)], 1)))


class NonBottleneck1D(nn.Module):
    """A residual block whose 3x3 convolutions are split in 3x1 and 1x3, the second pair dilated."""

    def __init__(self, channels: int, dropout: float, dilation: int) -> None:
        super().__init__()
        d = dilation
        self.conv3x1_1 = nn.Conv2d(channels, channels, (3, 1), padding=(1, 0))
        self.conv1x3_1 = nn.Conv2d(channels, channels, (1, 3), padding=(0, 1))
        self.bn1 = nn.BatchNorm2d(channels, eps=BN_EPS)
        self.conv3x1_2 = nn.Conv2d(channels, channels, (3, 1), padding=(d, 0), dilation=(d, 1))
        self.conv1x3_2 = nn.Conv2d(channels, channels, (1, 3), padding=(0, d), dilation=(1, d))
        self.bn2 = nn.BatchNorm2d(channels, eps=BN_EPS)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        y = F.relu(self.conv3x1_1(x))
        y = F.relu(self.bn1(self.conv1x3_1(y)))
        y = F.relu(self.conv3x1_2(y))
        y = self.dropout(self.bn2(self.conv1x3_2(y)))
        return F.relu(y + x)


class Encoder(nn.Module):
    """The ERFNet encoder: 1/8 of the input size, `8 * width` times 16 channels."""

    def __init__(self, widths: tuple[int, int, int], dropout: float) -> None:
        super().__init__()
        first, second, third = widths
        self.stem = Downsampler(3, first)
        self.stage2 = nn.Sequential(
            Downsampler(first, second),
            *(NonBottleneck1D(second, dropout / 10, 1) for _ in range(5)),
        )
        self.stage3 = nn.Sequential(
            Downsampler(second, third),
            *(NonBottleneck1D(third, dropout, d) for d in (2, 4, 8, 16, 2, 4, 8, 16)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the features at 1/8 of the input size."""
        features: Tensor = self.stage3(self.stage2(self.stem(x)))
        return features


class PyramidPooling(nn.Module):
    """Features beside their averages over 1, 2, 4 and 8 by as many cells of the whole image."""

    def __init__(self, channels: int, grids: tuple[int, ...] = (1, 2, 4, 8)) -> None:
        super().__init__()
        each = channels // len(grids)
        self.pools = nn.ModuleList(GridPool(grid) for grid in grids)
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, each, 1, bias=False),
                nn.BatchNorm2d(each, eps=BN_EPS),
                nn.ReLU(inplace=True),
            )
            for _ in grids
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, 2 * channels, H, W)."""
        size = x.shape[-2:]
        context = [
            F.interpolate(branch(pool(x)), size=size, mode="bilinear", align_corners=False)
            for pool, branch in zip(self.pools, self.branches, strict=True)
        ]
        return torch.cat([x, *context], 1)


class ErfPspNet(Segmenter):
    """ERF-PSPNet; `width` scales every channel count (1.0 is the published network).

    Scores are at 1/8 of the input size, whose sides are multiples of 8.
    """

    stride = 8
    stages = ("encoder.stem", "encoder.stage2", "encoder.stage3", "pyramid")

    def __init__(self, classes: int = 19, width: float = 1.0, dropout: float = 0.3) -> None:
        super().__init__()
        widths = tuple(max(8, round(channels * width / 8) * 8) for channels in (16, 64, 128))
        third = widths[2]
        self.encoder = Encoder((widths[0], widths[1], third), dropout)
        self.pyramid = PyramidPooling(third)
        self.head = nn.Sequential(
            nn.Conv2d(2 * third, 2 * third, 3, padding=1, bias=False),
            nn.BatchNorm2d(2 * third, eps=BN_EPS),
            nn.ReLU(inplace=True),
            nn.Dropout2d(0.1 if dropout else 0.0),
            nn.Conv2d(2 * third, classes, 1),
        )

    def logits(self, x: Tensor) -> Tensor:
        """Return class scores at 1/8 of the input size."""
        scores: Tensor = self.head(self.pyramid(self.encoder(x)))
        return scores


FAMILIES = (
    Family(
        names=("erf_pspnet",),
        keys=("width", "dropout"),
        build=lambda config: ErfPspNet(config.classes, config.width, config.dropout),
    ),
)
