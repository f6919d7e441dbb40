# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Self-training in which the student's own running average is the teacher, step by step."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from nightseg_ros.labels import IGNORE
from nightseg_ros.learning.config import TrainConfig
from nightseg_ros.learning.recipes.segmentation import SegmentationRecipe
from nightseg_ros.learning.tensor_set import Sets, TensorSet


class EmaTeacherRecipe(SegmentationRecipe):
    """A segmentation training whose pool views are relabelled by its own running average."""

    def __init__(
        self, config: TrainConfig, train: TensorSet, validation: Sets, thresholds: NDArray[Any]
    ) -> None:
        super().__init__(config, train, validation)
        self.register_buffer("thresholds", torch.from_numpy(thresholds), persistent=False)
        self.pool_from = len(train)
        """Frames from this number on are of pools."""

    @torch.no_grad()
    def relabel(self, images: Tensor, labels: Tensor, indices: Tensor) -> Tensor:
        """Return the labels with those of pool frames as the averaged network sees them now."""
        pool = (indices >= self.pool_from).to(images.device)
        if not bool(pool.any()):
            return labels
        scores = self.average(images[pool].contiguous(memory_format=torch.channels_last))
        chance, ids = scores.float().softmax(1).max(1)
        limits = self.get_buffer("thresholds")
        outside = images[pool].sum(1) == 0  # the black around a turned view shows nothing
        ids = torch.where((chance >= limits[ids]) & ~outside, ids, IGNORE)
        labels = labels.clone()
        labels[pool] = ids.to(labels.dtype)
        return labels
