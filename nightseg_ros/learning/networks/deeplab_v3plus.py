# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""DeepLabV3+ (Chen et al., 2018) on a ResNet or MobileNetV2 whose last layer keeps its size.

Atrous pyramid pooling looks at the features at 1/16 with four reaches and as a whole; the decoder
joins what it found with the features at 1/4. A second output from the layer before the last, where
one is asked for, is what multi-level adversarial adaptation works on beside the main one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.learning.networks import Family
from nightseg_ros.learning.networks.mobilenet import MobileNetV2
from nightseg_ros.learning.networks.resnet import IMAGENET_MEAN, IMAGENET_STD, ResNet, load_trunk
from nightseg_ros.learning.networks.segmenter import Segmenter

if TYPE_CHECKING:
    from nightseg_ros.learning.network_config import NetworkConfig

MOBILENET = 0  # in place of the depth of a ResNet
PYRAMID, DETAIL = 256, 48
SMALL_PYRAMID, SMALL_DETAIL = 128, 32  # with ResNet-18 and MobileNetV2, for small machines
REACHES = (6, 12, 18)


class DeepLabV3Plus(Segmenter):
    """Scores are at 1/4 of the input size, whose sides are multiples of 16."""

    stride = 16
    stages = ("trunk.layer1", "trunk.layer2", "trunk.layer3", "trunk.layer4")
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        classes: int = 19,
        depth: int = 101,
        width: float = 1.0,
        weights: str = "",
        *,
        auxiliary: bool = False,
    ) -> None:
        super().__init__()
        self.trunk: ResNet | MobileNetV2
        if depth == MOBILENET:
            self.trunk = MobileNetV2(width)
        else:
            self.trunk = ResNet(depth, width)
            if weights:
                load_trunk(self.trunk, Path(weights))
        keep_size(self.trunk.get_submodule("layer4"))
        small = depth in (MOBILENET, 18)
        pyramid, detail = (SMALL_PYRAMID, SMALL_DETAIL) if small else (PYRAMID, DETAIL)
        pyramid, detail = (max(16, round(n * width / 16) * 16) for n in (pyramid, detail))
        low, _, middle, high = self.trunk.widths
        self.pyramid = AtrousPyramid(high, pyramid)
        self.detail = _unit(low, detail, 1)
        self.decode = nn.Sequential(_unit(pyramid + detail, pyramid, 3), _unit(pyramid, pyramid, 3))
        self.classify = nn.Conv2d(pyramid, classes, 1)
        self.auxiliary = (
            nn.Sequential(_unit(middle, pyramid, 3), nn.Conv2d(pyramid, classes, 1))
            if auxiliary
            else None
        )
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))

    def logits(self, x: Tensor) -> Tensor:
        """Return class scores at 1/4 of the input size."""
        return self._decoded(self._taps(x))

    def outputs(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the main scores at 1/4 and, where there is a second output, those at 1/16."""
        taps = self._taps(x)
        scores = self._decoded(taps)
        return (scores,) if self.auxiliary is None else (scores, self.auxiliary(taps[2]))

    def _taps(self, x: Tensor) -> list[Tensor]:
        taps: list[Tensor] = self.trunk((x - self.mean) / self.std)
        return taps

    def _decoded(self, taps: list[Tensor]) -> Tensor:
        low = taps[0]
        wide = F.interpolate(
            self.pyramid(taps[3]), size=low.shape[-2:], mode="bilinear", align_corners=False
        )
        scores: Tensor = self.classify(self.decode(torch.cat([wide, self.detail(low)], 1)))
        return scores


class AtrousPyramid(nn.Module):
    """1x1, three dilated 3x3 convolutions and the average of the whole map, joined by 1x1."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                _unit(inside, outside, 1),
                *(_unit(inside, outside, 3, dilation=reach) for reach in REACHES),
            ]
        )
        # No batch norm: of one image a batch, one value per channel has no variance.
        self.whole = nn.Sequential(nn.Conv2d(inside, outside, 1), nn.ReLU(inplace=True))
        self.join = _unit(outside * (len(self.branches) + 1), outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same size."""
        whole = self.whole(x.mean((2, 3), keepdim=True)).expand(-1, -1, *x.shape[-2:])
        joined: Tensor = self.join(torch.cat([*(branch(x) for branch in self.branches), whole], 1))
        return joined


def keep_size(layer: nn.Module) -> None:
    """Turn the strides of a layer into dilations of its 3x3 convolutions; weights stay as named.

    At every second place it then computes what the layer with its strides does: a convolution that
    had the stride sees its input as before, those behind it see theirs twice as dense.
    """
    for module in layer.modules():
        if not isinstance(module, nn.Conv2d):
            continue
        if module.stride == (1, 1) and module.kernel_size == (3, 3):
            module.dilation = module.padding = (2, 2)
        module.stride = (1, 1)


def _unit(inside: int, outside: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, padding=padding, dilation=dilation, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
    )


DEPTHS = {f"deeplab_v3plus{depth}": depth for depth in (18, 50, 101)}


def _create(config: NetworkConfig) -> DeepLabV3Plus:
    depth = DEPTHS.get(config.name, MOBILENET)
    return DeepLabV3Plus(
        config.classes, depth, config.width, config.weights, auxiliary=config.auxiliary
    )


FAMILIES = (
    Family(tuple(DEPTHS), ("width", "weights", "auxiliary"), _create),
    Family(("deeplab_v3plus_mobilenet",), ("width", "auxiliary"), _create),
)
