# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measures the statistics of batch norms anew, with the weights as they are."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


def batch_norms(network: nn.Module) -> list[BatchNorm]:
    """Return the batch norms of a network."""
    return [module for module in network.modules() if isinstance(module, BatchNorm)]


@torch.no_grad()
def measure_norms(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give the batch norms of `network` the plain mean of the statistics of all `batches`."""
    norms = batch_norms(network)
    usual = [norm.momentum for norm in norms]
    network.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    scores = getattr(network, "logits", network)
    for images in batches:
        scores(images)
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
        norm.eval()
