# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""SegFormer-B0 (Xie et al., 2021): four stages of attention over ever coarser patches."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.learning.networks.peers.blocks import conv_norm, enlarge
from nightseg_ros.learning.networks.segmenter import Segmenter

WIDTHS, HEADS, REDUCTIONS, DEPTH = (32, 64, 160, 256), (1, 2, 5, 8), (8, 4, 2, 1), 2
EPS = 1e-6


class Attention(nn.Module):
    """Every position asks a coarser grid of positions."""

    def __init__(self, channels: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)
        self.out = nn.Linear(channels, channels)
        self.reduce: nn.Module | None = None
        if reduction > 1:
            self.reduce = nn.Conv2d(channels, channels, reduction, stride=reduction)
            self.norm = nn.LayerNorm(channels, eps=EPS)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Return tokens of the shape of `x`, which is (N, H * W, C)."""
        n, length, channels = x.shape
        asked = x
        if self.reduce is not None:
            image = x.transpose(1, 2).reshape(n, channels, *size)
            asked = self.norm(self.reduce(image).flatten(2).transpose(1, 2))
        query = self.query(x).view(n, length, self.heads, -1).transpose(1, 2)
        both = self.key_value(asked).view(n, asked.shape[1], 2, self.heads, -1)
        key, value = both.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(query, key, value)
        tokens: Tensor = self.out(mixed.transpose(1, 2).reshape(n, length, channels))
        return tokens


class Block(nn.Module):
    """Attention, then a perceptron in which a 3x3 convolution tells positions apart."""

    def __init__(self, channels: int, heads: int, reduction: int) -> None:
        super().__init__()
        wide = 4 * channels
        self.norm1 = nn.LayerNorm(channels, eps=EPS)
        self.attention = Attention(channels, heads, reduction)
        self.norm2 = nn.LayerNorm(channels, eps=EPS)
        self.expand, self.project = nn.Linear(channels, wide), nn.Linear(wide, channels)
        self.mix = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Return tokens of the shape of `x`."""
        x = x + self.attention(self.norm1(x), size)
        wide = self.expand(self.norm2(x))
        image = self.mix(wide.transpose(1, 2).reshape(x.shape[0], -1, *size))
        y: Tensor = x + self.project(F.gelu(image.flatten(2).transpose(1, 2)))
        return y


class Stage(nn.Module):
    """Overlapping patches become tokens, and back to an image after the blocks."""

    def __init__(self, before: int, channels: int, heads: int, reduction: int) -> None:
        super().__init__()
        kernel, stride = (7, 4) if before == 3 else (3, 2)
        self.patch = nn.Conv2d(before, channels, kernel, stride=stride, padding=kernel // 2)
        self.norm = nn.LayerNorm(channels, eps=EPS)
        self.blocks = nn.ModuleList(Block(channels, heads, reduction) for _ in range(DEPTH))
        self.last = nn.LayerNorm(channels, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, channels, H / stride, W / stride)."""
        image = self.patch(x)
        n, channels, height, width = image.shape
        x = self.norm(image.flatten(2).transpose(1, 2))
        for block in self.blocks:
            x = block(x, (height, width))
        y: Tensor = self.last(x).transpose(1, 2).reshape(n, channels, height, width)
        return y


class SegFormer(Segmenter):
    """Scores are at 1/4 of the input size, whose sides are multiples of 8."""

    stride = 8

    def __init__(self, classes: int = 19, decoder: int = 256) -> None:
        super().__init__()
        befores = (3, *WIDTHS[:-1])
        self.stages = nn.ModuleList(
            Stage(*sizes) for sizes in zip(befores, WIDTHS, HEADS, REDUCTIONS, strict=True)
        )
        self.laterals = nn.ModuleList(nn.Conv2d(width, decoder, 1) for width in WIDTHS)
        self.fuse = conv_norm(len(WIDTHS) * decoder, decoder)
        self.head = nn.Conv2d(decoder, classes, 1)

    def logits(self, x: Tensor) -> Tensor:
        """Return class scores at 1/4 of the input size."""
        levels: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        maps = [
            enlarge(lateral(level), levels[0])
            for lateral, level in zip(self.laterals, levels, strict=True)
        ]
        scores: Tensor = self.head(self.fuse(torch.cat(maps[::-1], 1)))
        return scores
