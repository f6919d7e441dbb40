# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""NiSeNet's fusion: which of two label maps to trust, patch by patch.

The maps are cut into patches of 20x20 pixels, in the colours of their classes. Two streams with
filters of 5x5 and 3x3 see both patches of a place with the same weights; what they find is joined
and decided on. The decision is about whole patches: the better map is pasted.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.labels.label_set import CITYSCAPES19, IGNORE

PATCH = 20
REAL, ADAPTIVE = 0, 1


class Stream(nn.Module):
    """The same filters over both patches, joined to 8x8x16."""

    def __init__(self, layers: nn.Sequential, inside: int, outside: int) -> None:
        super().__init__()
        self.layers = layers
        self.join = nn.Conv2d(2 * inside, outside, 1)

    def forward(self, patches: Tensor) -> Tensor:
        """Return features of pairs of patches (2, N, 3, 20, 20)."""
        first, second = self.layers(patches.flatten(0, 1)).chunk(2)
        return torch.relu(self.join(torch.cat([first, second], 1)))


class PatchFusion(nn.Module):
    """Two scores for each pair of patches: that the real, and that the adaptive one is right."""

    palette: Tensor

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        wide, middle, narrow, joined = (max(4, round(n * width)) for n in (128, 64, 32, 16))
        large = nn.Sequential(
            nn.Conv2d(3, wide, 5),
            nn.ReLU(inplace=True),
            nn.Conv2d(wide, middle, 5),
            nn.ReLU(inplace=True),
            nn.Conv2d(middle, narrow, 5),
            nn.ReLU(inplace=True),
        )
        small = nn.Sequential(
            nn.Conv2d(3, wide, 3),
            nn.ReLU(inplace=True),
            nn.Conv2d(wide, middle, 3),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(middle, narrow, 3, padding=1),  # the drawing gives its size, not its filter
            nn.ReLU(inplace=True),
        )
        self.streams = nn.ModuleList([Stream(large, narrow, joined), Stream(small, narrow, joined)])
        hidden = (max(16, round(512 * width)), max(8, round(128 * width)))
        self.decide = nn.Sequential(
            nn.Linear(2 * joined * 8 * 8, hidden[0]),
            nn.ReLU(inplace=True),
            nn.Linear(hidden[0], hidden[1]),
            nn.ReLU(inplace=True),
            nn.Linear(hidden[1], 2),
        )
        colours = torch.from_numpy(CITYSCAPES19.palette()).float() / 255 - 0.5
        self.register_buffer("palette", colours, persistent=False)

    def forward(self, pairs: Tensor) -> Tensor:
        """Return scores (N, 2) of pairs of patches (2, N, 20, 20), which hold class ids."""
        coloured = self.palette[pairs.long()].permute(0, 1, 4, 2, 3).contiguous()
        features = [stream(coloured).flatten(1) for stream in self.streams]
        scores: Tensor = self.decide(torch.cat(features, 1))
        return scores

    @torch.inference_mode()
    def choose(self, real: Tensor, adaptive: Tensor) -> Tensor:
        """Return for each pixel of two maps (N, H, W) whose class is to be taken, REAL or ADAPTIVE.

        All patches of a frame go through the network at once.
        """
        chosen = [
            spread(self(cut(torch.stack(pair)[:, None])).argmax(1), 1, pair[0].shape)
            for pair in zip(real, adaptive, strict=True)
        ]
        return torch.cat(chosen)


def cut(maps: Tensor) -> Tensor:
    """Return the patches (K, N * rows * columns, 20, 20) of maps (K, N, H, W).

    Maps that are no multiple of a patch are continued with their last row and column.
    """
    height, width = maps.shape[-2:]
    down, right = -height % PATCH, -width % PATCH
    whole = F.pad(maps.float(), (0, right, 0, down), mode="replicate")
    rows, columns = (height + down) // PATCH, (width + right) // PATCH
    parts = whole.view(len(maps), -1, rows, PATCH, columns, PATCH)
    return parts.transpose(3, 4).flatten(1, 3).to(maps.dtype)


def spread(decisions: Tensor, frames: int, size: torch.Size) -> Tensor:
    """Return decisions on patches (N * rows * columns) as maps (N, H, W)."""
    height, width = size
    rows, columns = -(-height // PATCH), -(-width // PATCH)
    grid = decisions.view(frames, rows, columns)
    whole = grid.repeat_interleave(PATCH, 1).repeat_interleave(PATCH, 2)
    return whole[:, :height, :width]


def better_channel(pairs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return which patch of each pair agrees better with the label, and by what share of it.

    `pairs` (2, N, 20, 20) and `labels` (N, 20, 20) hold ids. The share is 0 where both are equally
    good: there is nothing to learn from such a patch.
    """
    known = labels != IGNORE
    right = ((pairs == labels) & known).flatten(2).sum(2)
    gain = right[ADAPTIVE] - right[REAL]
    return (gain > 0).long(), gain.abs().float() / PATCH**2
