# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Residual networks of 18, 50 and 101 layers, whose weights may come from a file.

The names of the weights are those that public ImageNet files use (conv1, bn1, layer1.0.conv1, ...),
so that such a file can be named in a recipe; its classifier is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nightseg_ros.errors import NightsegError

BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    expansion = 1

    def __init__(self, inside: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(inside, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut."""

    expansion = 4

    def __init__(self, inside: int, width: int, stride: int) -> None:
        super().__init__()
        out = self.expansion * width
        self.conv1 = nn.Conv2d(inside, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(inside, out, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


def _shortcut(inside: int, outside: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and inside == outside:
        return None
    return nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))


class ResNet(nn.Module):
    """The trunk alone: features at 1/4, 1/8, 1/16 and 1/32 of the image."""

    stages = ("layer1", "layer2", "layer3", "layer4")

    def __init__(self, depth: int, width: float = 1.0) -> None:
        super().__init__()
        if depth not in BLOCKS:
            known = ", ".join(map(str, BLOCKS))
            raise NightsegError(f"a ResNet of {depth} layers is unknown; there are {known}")
        block = BasicBlock if depth == 18 else Bottleneck
        first = max(8, round(64 * width / 8) * 8)
        self.conv1 = nn.Conv2d(3, first, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inside, widths = first, []
        for number, count in enumerate(BLOCKS[depth]):
            layers = []
            for index in range(count):
                stride = 2 if number and not index else 1
                layers.append(block(inside, first * 2**number, stride))
                inside = first * 2**number * block.expansion
            setattr(self, f"layer{number + 1}", nn.Sequential(*layers))
            widths.append(inside)
        self.widths = tuple(widths)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the four feature maps, the largest first."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        taps = []
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
            taps.append(x)
        return taps


def load_trunk(trunk: ResNet, path: Path) -> None:
    """Load ImageNet weights from a file into the trunk, without the classifier's."""
    state = read_weights(path, f"there is no file of weights {path}; name one, or leave it out")
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping):
        raise NightsegError(f"{path} holds no weights by name, but a {type(state).__name__}")
    kept = {name: value for name, value in state.items() if not name.startswith("fc.")}
    try:
        trunk.load_state_dict(kept)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip()[:120]
        raise NightsegError(f"{path} holds the weights of another network ({first})") from error


def read_weights(path: Path, absent: str) -> Any:
    """Return what a file of weights holds, or raise with `absent` where there is none."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise NightsegError(absent) from error
    except Exception as error:  # damaged files fail in more ways than torch has names for
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise NightsegError(f"{path} holds no weights ({reason})") from error
