# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Loss and mIoU of a network on labelled frames, outside of any training."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from nightseg_ros.labels import IGNORE, lookup
from nightseg_ros.learning.frame_scores import score_frame
from nightseg_ros.learning.networks.segmenter import Segmenter

JOINT = 11


class Figures(NamedTuple):
    """Cross entropy per labelled pixel, and mIoU in percent over the joint classes present."""

    loss: float
    miou: float


@torch.inference_mode()
def figures_of(
    network: Segmenter, frames: Tensor, labels: Tensor, test_size: tuple[int, int]
) -> Figures:
    """Return the figures of `network` on frames (N, H, W, 3) uint8 with labels (N, H, W)."""
    joint = torch.from_numpy(lookup("cityscapes19", "joint11").astype(np.int64))
    matrix = torch.zeros(JOINT * JOINT, dtype=torch.long)
    loss, pixels = 0.0, 0
    network.eval()
    for frame, label in zip(frames, labels, strict=True):
        scores = score_frame(network, frame, test_size, (label.shape[0], label.shape[1]))[None]
        truth = label.long()
        known = truth != IGNORE
        total = F.cross_entropy(scores, truth[None], ignore_index=IGNORE, reduction="sum")
        loss, pixels = loss + float(total), pixels + int(known.sum())
        predicted, wanted = joint[scores.argmax(1)[0]], joint[truth]
        pairs = JOINT * wanted + predicted
        matrix += torch.bincount(pairs[wanted != IGNORE], minlength=JOINT * JOINT)
    counts = matrix.view(JOINT, JOINT).double()
    union = counts.sum(0) + counts.sum(1) - counts.diag()
    present = counts.sum(1) > 0
    miou = (counts.diag() / union.clamp(min=1))[present].mean() * 100
    return Figures(loss / max(1, pixels), float(miou))
