# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""AdaBN (Li et al., 2018): the statistics of batch norms, measured anew on other frames."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.errors import NightsegError

Network = TypeVar("Network", bound=nn.Module)

_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


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
    norms = [module for module in adapted.modules() if isinstance(module, _BATCH_NORMS)]
    if not norms:
        raise NightsegError(
            f"{type(network).__name__} has no batch norms; AdaBN has nothing to adapt in it"
        )
    if not len(frames):
        raise NightsegError("no frames to adapt batch norms to; name a set that holds some")
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
        norm.train()
    scores = getattr(adapted, "logits", adapted)
    # Batches of one length, the last one filled up: each counts as much as the others.
    count = -(-len(frames) // batch)
    for numbers in torch.arange(count * batch).remainder(len(frames)).view(count, batch):
        images = frames[numbers].permute(0, 3, 1, 2).float() / 255
        if size is not None and tuple(images.shape[2:]) != tuple(size):
            images = F.interpolate(images, size, mode="bilinear", antialias=True)
        scores(images)
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
        norm.eval()
    return adapted
