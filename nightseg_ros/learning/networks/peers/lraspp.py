# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""LR-ASPP on MobileNetV3-Large (Howard et al., 2019), last stage dilated instead of strided."""

from __future__ import annotations

from torch import Tensor, nn

from nightseg_ros.learning.networks.peers.blocks import conv_norm, enlarge
from nightseg_ros.learning.networks.segmenter import Segmenter

# kernel, expanded, out, squeeze, hard swish, stride, dilation
BLOCKS = (
    (3, 16, 16, False, False, 1, 1),
    (3, 64, 24, False, False, 2, 1),
    (3, 72, 24, False, False, 1, 1),
    (5, 72, 40, True, False, 2, 1),
    (5, 120, 40, True, False, 1, 1),
    (5, 120, 40, True, False, 1, 1),
    (3, 240, 80, False, True, 2, 1),
    (3, 200, 80, False, True, 1, 1),
    (3, 184, 80, False, True, 1, 1),
    (3, 184, 80, False, True, 1, 1),
    (3, 480, 112, True, True, 1, 1),
    (3, 672, 112, True, True, 1, 1),
    (5, 672, 160, True, True, 1, 2),
    (5, 960, 160, True, True, 1, 2),
    (5, 960, 160, True, True, 1, 2),
)
LOW = 4
"""How many blocks lie before the features at 1/8 that the head takes beside the last ones."""


def squeezed(channels: int) -> int:
    """Return a quarter of the channels, as a multiple of 8 that is at most a tenth less.

    >>> squeezed(72), squeezed(120)
    (24, 32)
    """
    fewer = max(8, (channels // 4 + 4) // 8 * 8)
    return fewer if fewer >= 0.9 * (channels // 4) else fewer + 8


class Squeeze(nn.Module):
    """Scale every channel by what its average, beside the others', says."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        fewer = squeezed(channels)
        self.down, self.up = nn.Conv2d(channels, fewer, 1), nn.Conv2d(fewer, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        scale = self.up(nn.functional.relu(self.down(x.mean((2, 3), keepdim=True))))
        return nn.functional.hardsigmoid(scale) * x


class Block(nn.Module):
    """Expand, filter each channel, squeeze and excite, project; add the input where it fits."""

    def __init__(
        self,
        channels: int,
        kernel: int,
        expanded: int,
        out: int,
        squeeze: bool,
        swish: bool,
        stride: int,
        dilation: int,
    ) -> None:
        super().__init__()
        act = nn.Hardswish if swish else nn.ReLU
        layers: list[nn.Module] = []
        if expanded != channels:
            layers.append(conv_norm(channels, expanded, activation=act))
        layers.append(
            conv_norm(
                expanded,
                expanded,
                kernel,
                stride=stride,
                dilation=dilation,
                groups=expanded,
                activation=act,
            )
        )
        if squeeze:
            layers.append(Squeeze(expanded))
        layers.append(conv_norm(expanded, out, activation=None))
        self.body = nn.Sequential(*layers)
        self.residual = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's features."""
        y: Tensor = self.body(x)
        return x + y if self.residual else y


class LrAspp(Segmenter):
    """Scores are at 1/8 of the input size, whose sides are multiples of 8."""

    stride = 8

    def __init__(self, classes: int = 19) -> None:
        super().__init__()
        self.stem = conv_norm(3, 16, 3, stride=2, activation=nn.Hardswish)
        blocks, channels = [], 16
        for kernel, expanded, out, squeeze, swish, stride, dilation in BLOCKS:
            blocks.append(Block(channels, kernel, expanded, out, squeeze, swish, stride, dilation))
            channels = out
        self.low = nn.Sequential(*blocks[:LOW])
        self.high = nn.Sequential(*blocks[LOW:], conv_norm(channels, 960, activation=nn.Hardswish))
        self.features = conv_norm(960, 128)
        self.scale = nn.Conv2d(960, 128, 1, bias=False)
        self.low_head = nn.Conv2d(40, classes, 1)
        self.high_head = nn.Conv2d(128, classes, 1)

    def logits(self, x: Tensor) -> Tensor:
        """Return class scores at 1/8 of the input size."""
        low = self.low(self.stem(x))
        high = self.high(low)
        scale = self.scale(high.mean((2, 3), keepdim=True)).sigmoid()
        fused = enlarge(self.features(high) * scale, low)
        scores: Tensor = self.low_head(low) + self.high_head(fused)
        return scores
