# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fusion per pixel: the channel that is surer decides, once both mean the same by a probability.

Networks are surer than they are right, each in its own measure, so their scores are divided by a
temperature first (Guo et al., 2017), fitted on labelled frames that they were not trained on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import IGNORE

COLDEST, HOTTEST = 0.05, 20.0
GOLDEN = (math.sqrt(5) - 1) / 2


@torch.no_grad()
def fit_temperature(scores: Sequence[Tensor], labels: Sequence[Tensor], stride: int = 2) -> float:
    """Return the temperature at which the scores (C, H, W) of frames have the least cross entropy.

    In the inverse temperature the cross entropy is convex, so the golden section finds it.
    """
    thinned = [label[::stride, ::stride].long() for label in labels]
    known = [label != IGNORE for label in thinned]
    kept = [
        frame[:, ::stride, ::stride][:, where].T for frame, where in zip(scores, known, strict=True)
    ]
    rows = torch.cat(kept).float()
    wanted = torch.cat([label[where] for label, where in zip(thinned, known, strict=True)])
    if not len(wanted):
        raise NightsegError("no frame to fit a temperature on has a labelled pixel")

    def entropy(logarithm: float) -> float:
        return float(F.cross_entropy(rows / math.exp(logarithm), wanted))

    return math.exp(_least(entropy, math.log(COLDEST), math.log(HOTTEST)))


def fuse_pixels(
    real: Tensor, adaptive: Tensor, temperatures: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """Return the probabilities (N, C, H, W) of the surer channel, and where it is the adaptive."""
    probabilities = [
        (scores.float() / temperature).softmax(1)
        for scores, temperature in zip((real, adaptive), temperatures, strict=True)
    ]
    surer = probabilities[1].amax(1) > probabilities[0].amax(1)
    return torch.where(surer[:, None], probabilities[1], probabilities[0]), surer


def _least(function: Callable[[float], float], low: float, high: float, steps: int = 24) -> float:
    """Return where a function with one valley is least."""
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(steps):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2
