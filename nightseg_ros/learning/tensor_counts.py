# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The confusion matrix of tensors: their pixels are counted where they lie, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nightseg_ros.labels.label_set import CITYSCAPES19, LabelSet
from nightseg_ros.labels.lookup import scored_in
from nightseg_ros.metrics.confusion import ConfusionMatrix

if TYPE_CHECKING:
    from nightseg_ros.metrics.scores import Scores

IDS = 256


class TensorCounts:
    """Counts truth against prediction, both ids of a label set, over the frames of a data set.

    >>> counts = TensorCounts(torch.device("cpu"))
    >>> counts.add(torch.tensor([[0, 7, 255]]), torch.tensor([[0, 0, 3]]))
    >>> counts.scores().pixel_accuracy
    0.5
    """

    def __init__(self, device: torch.device, labels: LabelSet = CITYSCAPES19) -> None:
        self._labels = labels
        self._joint = torch.zeros(IDS * IDS, dtype=torch.long, device=device)

    def add(self, truth: Tensor, prediction: Tensor) -> None:
        """Count frames; both hold ids 0 to 255 and have one shape."""
        pairs = IDS * truth.to(self._joint.device).long() + prediction.to(self._joint.device)
        self._joint += torch.bincount(pairs.flatten(), minlength=IDS * IDS)

    def scores(self) -> Scores:
        """Return the scores in the classes that these labels are scored in."""
        own = self._labels
        matrix = ConfusionMatrix(scored_in(own), truth_labels=own, prediction_labels=own)
        matrix.add(self._joint.view(IDS, IDS).cpu().numpy())
        return matrix.compute()
