# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What segmentation networks are trained to lower."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from nightseg_ros.labels import IGNORE


def class_weights(shares: Tensor, offset: float = 1.10, limit: float = 3.5) -> Tensor:
    """Return weights 1 / ln(offset + share), relative to the most frequent class.

    `shares` are the classes' shares of the labelled pixels. A class that hardly occurs would
    otherwise outweigh all others through a handful of pixels, hence the limit.
    """
    weights = 1.0 / torch.log(offset + shares)
    return (weights / weights[shares.argmax()]).clamp(max=limit)


def cross_entropy(
    scores: Tensor, labels: Tensor, weights: Tensor | None = None, stride: int = 4
) -> Tensor:
    """Return the weighted cross entropy of `scores` (any size) on every `stride`-th label pixel.

    The scores of our networks live at 1/4 or 1/8 of the image, so the full resolution would
    multiply the cost and add no information to the gradient.
    """
    scores, target = _thinned(scores, labels, stride)
    if not bool((target != IGNORE).any()):
        return scores.sum() * 0.0  # a batch without a label must not turn the weights into NaN
    return F.cross_entropy(scores, target, weight=weights, ignore_index=IGNORE)


def squared_error(scores: Tensor, labels: Tensor, stride: int = 4) -> Tensor:
    """Return the squared distance of a pixel's chances from its one-hot label, as a mean.

    Of the soft-max, so that it has a gradient; ids of the arg-max, as one release compares them,
    have none. Unlabelled pixels are left out, labels are thinned as in `cross_entropy`.
    """
    scores, target = _thinned(scores, labels, stride)
    known = target != IGNORE
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
    known = target != IGNORE
    if not bool(known.any()):
        return scores.sum() * 0.0
    entropy = F.cross_entropy(scores, target, ignore_index=IGNORE, reduction="none")
    doubt = (1 - torch.exp(-entropy)).clamp(min=1e-6)
    loss = entropy * (alpha + (1 - alpha) * doubt**gamma)
    scale = known.float()
    if weights is not None:
        scale = scale * weights[target.clamp(max=len(weights) - 1)]
    return (loss * scale).sum() / scale.sum().clamp(min=1e-6)


def _thinned(scores: Tensor, labels: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Return scores and labels at every `stride`-th label pixel."""
    height, width = labels.shape[-2] // stride, labels.shape[-1] // stride
    offset = stride // 2 - 1 if stride > 1 else 0
    target = labels[:, offset::stride, offset::stride][:, :height, :width].long()
    return _at_size(scores, (height, width)), target


def distillation(scores: Tensor, teacher: Tensor, temperature: float = 2.0) -> Tensor:
    """Return how far `scores` are from the teacher's, as divergence of the softened chances.

    Both are compared at the teacher's size. The factor keeps the gradient independent of the
    temperature (Hinton et al.), so that one share suits all temperatures.
    """
    student = _at_size(scores, (teacher.shape[-2], teacher.shape[-1])) / temperature
    chances = (teacher.float() / temperature).softmax(1)
    divergence = F.kl_div(student.log_softmax(1), chances, reduction="none").sum(1).mean()
    return divergence * temperature**2


def _at_size(scores: Tensor, size: tuple[int, int]) -> Tensor:
    scores = scores.float()
    if scores.shape[-2:] == size:
        return scores
    return F.interpolate(scores, size, mode="bilinear", align_corners=False)


def focal(
    scores: Tensor, labels: Tensor, gamma: float = 2.0, weights: Tensor | None = None
) -> Tensor:
    """Return the focal loss, per pixel before the mean (unlabelled pixels left out)."""
    target = labels.long()
    known = target != IGNORE
    entropy = F.cross_entropy(scores.float(), target, ignore_index=IGNORE, reduction="none")
    loss = (1 - torch.exp(-entropy)) ** gamma * entropy
    scale = (
        torch.ones_like(loss) if weights is None else weights[target.clamp(max=len(weights) - 1)]
    )
    return (loss * scale * known).sum() / (scale * known).sum().clamp(min=1e-6)
