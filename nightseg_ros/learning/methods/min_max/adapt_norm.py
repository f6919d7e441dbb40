# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""AdaBN (Li et al., 2018): the statistics of batch norms, measured anew on other frames."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.norms import batch_norms, measure_norms

Network = TypeVar("Network", bound=nn.Module)


@torch.no_grad()
def adapt_batch_norm(
    network: Network, frames: Tensor, size: tuple[int, int] | None = None, batch: int = 8
) -> Network:
    """Return a copy of `network` whose batch norms know the statistics of `frames`.

    Frames are (N, H, W, 3) uint8, unlabelled, and are seen at `size` (height, width), or as they
    are. This is not zero-shot: with night frames it is an adaptation that has seen the night, and
    with the frames that are measured afterwards it has seen the very test.
    """
    adapted = copy.deepcopy(network).eval()
    if not any(batch_norms(adapted)):
        raise NightsegError(
            f"{type(network).__name__} has no batch norms; AdaBN has nothing to adapt in it"
        )
    if not len(frames):
        raise NightsegError("no frames to adapt batch norms to; name a set that holds some")

    def seen() -> Iterator[Tensor]:
        # Batches of one length, the last one filled up: each counts as much as the others.
        count = -(-len(frames) // batch)
        for numbers in torch.arange(count * batch).remainder(len(frames)).view(count, batch):
            images = frames[numbers].permute(0, 3, 1, 2).float() / 255
            if size is not None and tuple(images.shape[2:]) != tuple(size):
                images = F.interpolate(images, size, mode="bilinear", antialias=True)
            yield images

    measure_norms(adapted, seen())
    return adapted
