# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Exposures that come out as they were asked for.

The exposure loss is one of five, and asks every pixel for the wanted value: what comes out is much
darker, and rises with what is shown as a steep S. So it is measured, and turned round.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from nightseg_ros.learning.networks.darkening import Darkening

STEPS = 50
SHOWN = 21  # levels that are tried
FRAMES = 24
BATCH = 8


@torch.no_grad()
def find_levels(
    network: Darkening,
    images: Tensor,
    trained: tuple[float, float],
    prepare: Callable[[Tensor], Tensor] = lambda frames: frames,
) -> Tensor:
    """Return what to show `network` for mean grey values of 0 to 1, in equal steps.

    `images` are (N, H, W, 3) uint8, made by `prepare` what the network is for. Only levels that it
    was `trained` on are shown, so values beyond their reach become the nearest it has.
    """
    chosen = torch.linspace(0, len(images) - 1, min(FRAMES, len(images))).round().long()
    levels = torch.linspace(*trained, SHOWN)
    means = torch.zeros(SHOWN)
    for numbers in torch.split(chosen, BATCH):
        frames = prepare(images[numbers].permute(0, 3, 1, 2).float() / 255)
        for index, level in enumerate(levels):
            means[index] += network.at(frames, level).mean((1, 2, 3)).sum() / len(chosen)
    # Nothing makes the estimator's answer rise everywhere; where it falls, the lower level serves.
    rising = np.maximum.accumulate(means.double().numpy()) + 1e-9 * np.arange(SHOWN)
    wanted = np.linspace(0.0, 1.0, STEPS + 1)
    return torch.from_numpy(np.interp(wanted, rising, levels.double().numpy())).float()
