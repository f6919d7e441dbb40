# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What segmentation networks are trained to lower."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from nightseg_ros.labels.label_set import IGNORE

Groups = Sequence[Sequence[int]]
"""The classes that each id from the number of classes on stands for."""


def class_weights(shares: Tensor, offset: float = 1.10, limit: float = 3.5) -> Tensor:
    """Return weights 1 / ln(offset + share), relative to the most frequent class.

    `shares` are the classes' shares of the labelled pixels. A class that hardly occurs would
    otherwise outweigh all others through a handful of pixels, hence the limit.
    """
    weights = 1.0 / torch.log(offset + shares)
    return (weights / weights[shares.argmax()]).clamp(max=limit)


def cross_entropy(
    scores: Tensor,
    labels: Tensor,
    weights: Tensor | None = None,
    stride: int = 4,
    groups: Groups = (),
) -> Tensor:
    """Return the weighted cross entropy of `scores` (any size) on every `stride`-th label pixel.

    The scores of our networks live at 1/4 or 1/8 of the image, so the full resolution would
    multiply the cost and add no information to the gradient. Ids from the number of classes on
    mean one of a group of classes: the loss is the logarithm of the sum of their probabilities.
    """
    scores, target = _thinned(scores, labels, stride)
    count = scores.shape[1]
    weights = scores.new_ones(count) if weights is None else weights
    logs = scores.log_softmax(1)
    single = torch.where(target < count, target, IGNORE)
    total = F.nll_loss(logs, single, weight=weights, ignore_index=IGNORE, reduction="sum")
    scale = weights[single[single != IGNORE]].sum()
    for place, members in enumerate(groups):
        here = target == count + place
        if bool(here.any()):
            chosen = logs.permute(0, 2, 3, 1)[here][:, list(members)]
            weight = weights[list(members)].mean()
            total = total - weight * chosen.logsumexp(1).sum()
            scale = scale + weight * here.sum()
    return total / scale.clamp(min=1e-6)  # a batch without a label has no loss, not NaN


def squared_error(scores: Tensor, labels: Tensor, stride: int = 4) -> Tensor:
    """Return the squared distance of a pixel's probabilities from its one-hot label, as a mean.

    Of the soft-max, so that it has a gradient; ids of the arg-max, as one release compares them,
    have none. Unlabelled pixels are left out, labels are thinned as in `cross_entropy`.
    """
    scores, target = _thinned(scores, labels, stride)
    known = target < scores.shape[1]
    if not bool(known.any()):
        return scores.sum() * 0.0
    wanted = F.one_hot(target.clamp(max=scores.shape[1] - 1), scores.shape[1]).permute(0, 3, 1, 2)
    distance = (scores.softmax(1) - wanted).square().sum(1)
    return distance[known].mean()


def combined(
    scores: Tensor,
    labels: Tensor,
    weights: Tensor | None = None,
    *,
    alpha: float = 0.5,
    gamma: float = 2.0,
    stride: int = 4,
) -> Tensor:
    """Return alpha * cross entropy + (1 - alpha) * focal loss, of every pixel before the mean.

    Alpha 0 is the focal loss alone. Labels are thinned as in `cross_entropy`.
    """
    scores, target = _thinned(scores, labels, stride)
    known = target < scores.shape[1]
    if not bool(known.any()):
        return scores.sum() * 0.0
    target = torch.where(known, target, IGNORE)
    entropy = F.cross_entropy(scores, target, ignore_index=IGNORE, reduction="none")
    doubt = (1 - torch.exp(-entropy)).clamp(min=1e-6)
    loss = entropy * (alpha + (1 - alpha) * doubt**gamma)
    scale = known.float()
    if weights is not None:
        scale = scale * weights[target.clamp(max=len(weights) - 1)]
    return (loss * scale).sum() / scale.sum().clamp(min=1e-6)


def _thinned(scores: Tensor, labels: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Return scores and labels at every `stride`-th label pixel.

    Scores are read at the very centres of those pixels. To shrink them to the number of pixels
    instead would compare the middle of a cell of `stride` pixels with a label off the middle.
    """
    first = stride // 2
    target = labels[:, first::stride, first::stride].long()
    rows = _positions(labels.shape[-2], first, stride, scores)
    columns = _positions(labels.shape[-1], first, stride, scores)
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij")[::-1], -1)
    grid = grid.expand(len(scores), -1, -1, -1)
    at = F.grid_sample(scores.float(), grid, padding_mode="border", align_corners=False)
    return at, target


def _positions(size: int, first: int, stride: int, like: Tensor) -> Tensor:
    """Return the centres of every `stride`-th of `size` pixels, from -1 to 1 over all of them."""
    return (torch.arange(first, size, stride, device=like.device) * 2.0 + 1) / size - 1


def distillation(scores: Tensor, teacher: Tensor, temperature: float = 2.0) -> Tensor:
    """Return how far `scores` are from the teacher's, as divergence of the softened probabilities.

    Both are compared at the teacher's size. The factor keeps the gradient independent of the
    temperature (Hinton et al.), so that one share suits all temperatures.
    """
    student = _at_size(scores, (teacher.shape[-2], teacher.shape[-1])) / temperature
    probabilities = (teacher.float() / temperature).softmax(1)
    divergence = F.kl_div(student.log_softmax(1), probabilities, reduction="none").sum(1).mean()
    return divergence * temperature**2


def _at_size(scores: Tensor, size: tuple[int, int]) -> Tensor:
    scores = scores.float()
    if scores.shape[-2:] == size:
        return scores
    return F.interpolate(scores, size, mode="bilinear", align_corners=False)
