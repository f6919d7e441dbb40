# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weights between the start of a training and its end (WiSE-FT, Wortsman et al., 2022).

Between the weights of two trainings in a row lie some that see better than both: what the second
one forgot is still in the first.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from nightseg_ros.learning.norms import measure_norms


@torch.no_grad()
def keep_start(
    network: nn.Module, start: nn.Module, share: float, batches: Iterable[Tensor]
) -> None:
    """Move `network` towards `start` by `share`; its norms are measured anew on `batches`."""
    pairs = zip(network.state_dict().values(), start.state_dict().values(), strict=True)
    for end, begin in pairs:
        if end.dtype.is_floating_point:
            end.lerp_(begin.to(end.device), share)
    measure_norms(network, batches)
