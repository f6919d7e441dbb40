# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Loss and mIoU of a network on labelled frames, outside of any training."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from nightseg_ros.labels.label_set import CITYSCAPES19, IGNORE, LabelSet
from nightseg_ros.learning.frame_scores import score_frame, whole_strides
from nightseg_ros.learning.tensor_counts import TensorCounts

if TYPE_CHECKING:
    from nightseg_ros.learning.networks.segmenter import Segmenter
    from nightseg_ros.learning.tensor_set import Sets


class Figures(NamedTuple):
    """Cross entropy per labelled pixel, and mIoU in percent over the joint classes present."""

    loss: float
    miou: float


@torch.inference_mode()
def figures_of(
    network: Segmenter,
    frames: Tensor,
    labels: Tensor,
    test_size: tuple[int, int],
    label_set: LabelSet = CITYSCAPES19,
) -> Figures:
    """Return the figures of `network` on frames (N, H, W, 3) uint8 with labels (N, H, W)."""
    counts = TensorCounts(labels.device, label_set)
    loss, pixels = 0.0, 0
    network.eval()
    for frame, label in zip(frames, labels, strict=True):
        scores = score_frame(network, frame, test_size, (label.shape[0], label.shape[1]))[None]
        truth = label.long()
        known = truth != IGNORE
        total = F.cross_entropy(scores, truth[None], ignore_index=IGNORE, reduction="sum")
        loss, pixels = loss + float(total), pixels + int(known.sum())
        counts.add(truth, scores.argmax(1)[0])
    return Figures(loss / max(1, pixels), 100 * counts.scores().miou)


def figure_on(
    network: Segmenter,
    images: Tensor,
    labels: Tensor,
    test_size: tuple[int, int],
    label_set: LabelSet,
) -> float:
    """Return the mIoU over the classes present in frames (N, H, W, 3) uint8, in percent.

    Where nothing but road is labelled, it is the recall of the road. The frames are looked at four
    by four on the device of the network.
    """
    device = next(network.parameters()).device
    counts = TensorCounts(device, label_set)
    size = whole_strides(test_size, network.stride)
    for start in range(0, len(images), 4):
        frames = images[start : start + 4].to(device).permute(0, 3, 1, 2).float() / 255
        seen = F.interpolate(frames, size, mode="bilinear", align_corners=False, antialias=True)
        scores = network.logits(seen.contiguous(memory_format=torch.channels_last)).float()
        full = F.interpolate(scores, images.shape[1:3], mode="bilinear", align_corners=False)
        counts.add(labels[start : start + 4], full.argmax(1))
    scored = counts.scores()
    (road,) = scored.labels.ids(("road",)) or (0,)
    return 100 * float(scored.recall[road] if only_road(labels, label_set) else scored.miou)


def figure_key(name: str, validation: Sets, labels: LabelSet) -> str:
    """Return the name of a validation set's figure: miou/NAME, or recall/NAME of drivable masks."""
    return f"{'recall' if only_road(validation[name][1], labels) else 'miou'}/{name}"


def only_road(ids: Tensor, labels: LabelSet) -> bool:
    """Return whether nothing but road is labelled."""
    for road in labels.ids(("road",)):
        return bool((ids == road).any()) and bool(((ids == road) | (ids == IGNORE)).all())
    return False
