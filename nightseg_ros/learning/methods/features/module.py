# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A network learns to predict the features of a teacher, before it learns a task.

No label is needed. The teacher sees a view as it is, the network sees it with other colours or
relit as night: it learns features that do not depend on the light.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.learning.frame_scores import at_whole_strides
from nightseg_ros.learning.methods import Method
from nightseg_ros.learning.methods.features.config import FeaturesConfig
from nightseg_ros.learning.methods.segmentation.module import SegmentationModule
from nightseg_ros.learning.methods.segmentation.train import train_network
from nightseg_ros.learning.stages import Stages

if TYPE_CHECKING:
    from nightseg_ros.learning.tensor_set import Frames, Sets


class FeaturesModule(SegmentationModule):
    """The segmentation recipe with a loss between features."""

    def __init__(self, config: FeaturesConfig, train: Frames, validation: Sets) -> None:
        """Learn from the teacher's features on the frames of `train`."""
        super().__init__(config, train, validation)
        self.asking = config
        self._stages = Stages(self.network, [config.student_stage])
        self._shown = [Stages(teacher, config.teacher_stages) for teacher in self._teacher]
        example = torch.zeros(1, 3, *config.view)
        wanted = sum(self._shown[0].channels(example))
        (channels,) = self._stages.channels(example)
        self.prediction = nn.Conv2d(channels, wanted, 1)
        # Each channel of the teacher counts the same, whatever its size.
        self.scale = nn.BatchNorm2d(wanted, affine=False)

    @torch.no_grad()
    def _ask_teacher(self, images: Tensor) -> Tensor | None:
        """Return the teacher's features of the views, all at the size of the first."""
        if not self._teacher:
            return None
        views = at_whole_strides(images, self._teacher[0].stride)
        found = self._shown[0].features(views)
        return torch.cat([_at_size(feature, found[0]) for feature in found], 1)

    def training_step(self, indices: Tensor, _batch: int) -> Tensor:
        """Return the mean squared error of the features of one batch, and the loss of labels."""
        images, labels, taught = self.views(indices)
        assert taught is not None
        (features,), scores = self._stages.run(images)
        predicted = self.prediction(features)
        loss = F.mse_loss(predicted, self.scale(_at_size(taught, predicted)))
        self.log("loss_features", loss, prog_bar=True, batch_size=len(images))
        if self.asking.label_weight:
            loss = loss + self.asking.label_weight * self.label_loss(scores, labels)
        self.log("loss", loss, batch_size=len(images))
        return loss

    def trained_parameters(self) -> list[nn.Parameter]:
        """Return what the optimizer is to change."""
        return [*super().trained_parameters(), *self.prediction.parameters()]


def _at_size(features: Tensor, like: Tensor) -> Tensor:
    """Return features at the size of others: averaged where that is smaller."""
    size = (like.shape[-2], like.shape[-1])
    if features.shape[-2] > size[0]:
        return F.adaptive_avg_pool2d(features, size)
    return F.interpolate(features, size, mode="bilinear", align_corners=False)


def train_features(
    config: FeaturesConfig, out: Path, data: str, *, resume: bool, fast_dev_run: bool
) -> dict[str, Any]:
    """Train the network that the recipe describes; OUT/model.pt is what a training starts from."""
    return train_network(
        FeaturesModule, config, out, data, resume=resume, fast_dev_run=fast_dev_run
    )


METHOD = Method(FeaturesConfig, train_features)
