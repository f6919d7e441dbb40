# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The pieces that several of these networks are built of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


def conv_norm(
    channels_in: int,
    channels_out: int,
    kernel: int = 1,
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """Return convolution, batch norm and activation; the size stays but for the stride."""
    layers: list[nn.Module] = [
        nn.Conv2d(
            channels_in,
            channels_out,
            kernel,
            stride=stride,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            groups=groups,
            bias=False,
        ),
        nn.BatchNorm2d(channels_out),
    ]
    if activation is not None:
        layers.append(activation())
    return nn.Sequential(*layers)


def separable(channels_in: int, channels_out: int, dilation: int = 1) -> nn.Sequential:
    """Return a 3x3 convolution per channel, a 1x1 across them, batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(
            channels_in,
            channels_in,
            3,
            padding=dilation,
            dilation=dilation,
            groups=channels_in,
            bias=False,
        ),
        *conv_norm(channels_in, channels_out),
    )


def enlarge(x: Tensor, like: Tensor) -> Tensor:
    """Return `x` at the height and width of `like`."""
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)
