# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two segmentation networks in one, and a head that says for each pixel which of them to trust."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.networks import Family
from nightseg_ros.learning.networks.registry import create_network
from nightseg_ros.learning.networks.segmenter import Segmenter

LEAST = 1e-4
"""Added to probabilities before their logarithm; fp16 still holds it."""
SIGNS = 7


class FusionHead(nn.Module):
    """The weight of the first of two channels, from the probabilities of both.

    Beside these it sees how sure they are, whether they agree, and how bright it is, here and in
    the whole image; all that for 3x3 cells, and never where in the image they are. At the start
    both channels weigh the same.
    """

    def __init__(self, classes: int, width: int = 16) -> None:
        super().__init__()
        self.mix = nn.Conv2d(2 * classes + SIGNS, width, 1)
        self.look = nn.Conv2d(width, width, 3, padding=1)
        self.weigh = nn.Conv2d(width, 1, 1)
        for parameter in self.weigh.parameters():
            nn.init.zeros_(parameter)

    def forward(self, first: Tensor, second: Tensor, light: Tensor) -> Tensor:
        """Return (N, 1, H, W) in 0 to 1; `light` is the brightness, in the same shape."""
        both = (first, second)
        highest = [probabilities.amax(1, keepdim=True) for probabilities in both]
        agreement = (first * second).sum(1, keepdim=True)
        whole = light.mean((2, 3), keepdim=True).expand_as(light)
        signs = [*highest, *map(entropy, both), agreement, light, whole]
        x = F.relu(self.mix(torch.cat([*both, *signs], 1)))
        weights: Tensor = self.weigh(F.relu(self.look(x))).sigmoid()
        return weights


def entropy(probabilities: Tensor) -> Tensor:
    """Return how unsure (N, classes, H, W) probabilities are, from 0 to 1, as (N, 1, H, W)."""
    bits = (probabilities * (probabilities + LEAST).log()).sum(1, keepdim=True)
    return bits * (-1.0 / math.log(probabilities.shape[1]))


class Fused(Segmenter):
    """Log-probabilities of a mixture of two networks, whose weights a head gives per pixel.

    The channels are frozen unless `frozen` is set to false: they keep their weights and the
    statistics of their norms, and drop nothing out. The scores of each are multiplied by a
    sharpness, so that one that is too sure of itself can be calmed.
    """

    def __init__(
        self, channels: Sequence[Segmenter], classes: int = 19, *, frozen: bool = True
    ) -> None:
        super().__init__()
        if len(channels) != 2:
            raise NightsegError(f"a fused network has 2 channels, not {len(channels)}; name two")
        self.channels = nn.ModuleList(channels)
        self.head = FusionHead(classes)
        self.log_sharpness = nn.Parameter(torch.zeros(2))
        self.stride = math.lcm(*(channel.stride for channel in channels))
        self.frozen = frozen
        if frozen:
            self.channels.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Fused:
        """Set the mode of all parts but the frozen ones."""
        super().train(mode)
        if self.frozen:
            self.channels.eval()
        return self

    def probabilities(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the probabilities of the classes, of each channel, at the finer of their sizes."""
        scores: list[Tensor] = [channel.logits(x) for channel in self.channels]  # type: ignore[operator]
        size = max(tuple(part.shape[-2:]) for part in scores)
        first, second = (
            (part if tuple(part.shape[-2:]) == size else _enlarged(part, size)) * sharpness
            for part, sharpness in zip(scores, self.log_sharpness.exp(), strict=True)
        )
        return first.softmax(1), second.softmax(1)

    def logits(self, x: Tensor) -> Tensor:
        """Return the logarithms of the mixed probabilities; their soft-max gives these back."""
        first, second = self.probabilities(x)
        light = F.avg_pool2d(x.mean(1, keepdim=True), x.shape[-2] // first.shape[-2])
        weights: Tensor = self.head(first, second, light)
        return (second + weights * (first - second) + LEAST).log()


def _enlarged(scores: Tensor, size: tuple[int, ...]) -> Tensor:
    return F.interpolate(scores, size, mode="bilinear", align_corners=False)


FAMILIES = (
    Family(
        names=("fused",),
        keys=("channels",),
        # Their weights come with those of the whole, so no ImageNet ones are fetched.
        build=lambda config: Fused(
            [create_network(part, fresh=True) for part in config.channels], config.classes
        ),
    ),
)
