# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Labels for unlabelled pixels from the running average of the network that is being trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.labels.label_set import IGNORE, LabelSet

_NAMES = "pole, traffic light, traffic sign, person, rider, motorcycle, bicycle"
SMALL = tuple(_NAMES.split(", "))
"""Objects that are missed more often than they are invented."""

FLOOR, CEILING = 0.75, 0.95
KEEP = 0.99  # of the running confidence, from one batch to the next
DOUBT = 0.15  # probability of small objects from which background is not certain


class SelfLabels(nn.Module):
    """Labels where the network is at least as confident as it usually is of that class.

    One threshold for all classes would drop the rare ones. Where a small object may be missed, the
    background is left unlabelled: taught as background, a person would stay missed.
    """

    confidence: Tensor

    def __init__(self, labels: LabelSet) -> None:
        super().__init__()
        self.register_buffer("confidence", torch.full((labels.count,), CEILING))
        self._small = list(labels.ids(SMALL))

    @torch.no_grad()
    def forward(self, scores: Tensor, size: tuple[int, int]) -> Tensor:
        """Return ids (n, *size) uint8 for `scores`, 255 where they are not certain."""
        found = scores.float().softmax(1)
        found = F.interpolate(found, size, mode="bilinear", align_corners=False)
        probability, ids = found.max(1)
        self._follow(probability, ids)
        limits = self.confidence.clamp(FLOOR, CEILING)
        certain = probability >= limits[ids]
        if self._small:
            small = found[:, self._small].sum(1)
            is_small = torch.zeros_like(self.confidence, dtype=torch.bool)
            is_small[self._small] = True
            certain &= is_small[ids] | (small < DOUBT)
        return torch.where(certain, ids, IGNORE).to(torch.uint8)

    def _follow(self, probability: Tensor, ids: Tensor) -> None:
        """Let the usual confidence of each class follow this batch."""
        count = torch.bincount(ids.flatten(), minlength=len(self.confidence))
        total = torch.bincount(ids.flatten(), probability.flatten(), len(self.confidence))
        mean = total / count.clamp(min=1)
        followed = torch.lerp(mean.to(self.confidence), self.confidence, KEEP)
        self.confidence.copy_(torch.where(count > 0, followed, self.confidence))
