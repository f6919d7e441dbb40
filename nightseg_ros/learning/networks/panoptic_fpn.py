# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The semantic branch of Panoptic FPN (Kirillov et al., 2019) on a ResNet.

Every level of the pyramid goes to 1/4 of the image by as many (3x3 convolution, group norm, ReLU,
bilinear x2) as it takes; the four maps are added and classified.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.learning.networks import Family
from nightseg_ros.learning.networks.resnet import IMAGENET_MEAN, IMAGENET_STD, ResNet, load_trunk
from nightseg_ros.learning.networks.segmenter import Segmenter

PYRAMID, BRANCH = 256, 128
SMALL_PYRAMID, SMALL_BRANCH = 128, 64  # with ResNet-18, for small machines


class PanopticFpn(Segmenter):
    """Scores are at 1/4 of the input size, whose sides are multiples of 32."""

    stride = 32
    stages = ("trunk.layer1", "trunk.layer2", "trunk.layer3", "trunk.layer4")
    mean: Tensor
    std: Tensor

    def __init__(
        self, classes: int = 19, depth: int = 101, width: float = 1.0, weights: str = ""
    ) -> None:
        super().__init__()
        self.trunk = ResNet(depth, width)
        if weights:
            load_trunk(self.trunk, Path(weights))
        pyramid, branch = (SMALL_PYRAMID, SMALL_BRANCH) if depth == 18 else (PYRAMID, BRANCH)
        pyramid, branch = (max(16, round(n * width / 16) * 16) for n in (pyramid, branch))
        self.laterals = nn.ModuleList(nn.Conv2d(n, pyramid, 1) for n in self.trunk.widths)
        self.smooth = nn.ModuleList(
            nn.Conv2d(pyramid, pyramid, 3, padding=1) for _ in self.trunk.widths
        )
        self.branches = nn.ModuleList(
            _branch(pyramid, branch, doublings) for doublings in range(len(self.trunk.widths))
        )
        self.classify = nn.Conv2d(branch, classes, 1)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))

    def logits(self, x: Tensor) -> Tensor:
        """Return class scores at 1/4 of the input size."""
        taps = self.trunk((x - self.mean) / self.std)
        levels = [lateral(tap) for lateral, tap in zip(self.laterals, taps, strict=True)]
        for i in range(len(levels) - 1, 0, -1):
            levels[i - 1] = levels[i - 1] + F.interpolate(levels[i], scale_factor=2.0)
        parts = zip(self.branches, self.smooth, levels, strict=True)
        maps = [branch(smooth(level)) for branch, smooth, level in parts]
        scores: Tensor = self.classify(torch.stack(maps).sum(0))
        return scores


def _branch(inside: int, width: int, doublings: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index in range(max(1, doublings)):
        layers += [
            nn.Conv2d(inside if index == 0 else width, width, 3, padding=1, bias=False),
            nn.GroupNorm(width // 4, width),
            nn.ReLU(inplace=True),
        ]
        if doublings:
            layers.append(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False))
    return nn.Sequential(*layers)


DEPTHS = {f"panoptic_fpn{depth}": depth for depth in (18, 50, 101)}
FAMILIES = (
    Family(
        names=tuple(DEPTHS),
        keys=("width", "weights"),
        build=lambda config: PanopticFpn(
            config.classes, DEPTHS[config.name], config.width, config.weights
        ),
    ),
)
