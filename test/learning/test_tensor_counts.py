# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tensors are scored by the same confusion matrix as images."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

torch = pytest.importorskip("torch")

from support.label_files import PARK  # noqa: E402

from nightseg_ros.labels.label_set import LabelSet  # noqa: E402
from nightseg_ros.learning.tensor_counts import TensorCounts  # noqa: E402
from nightseg_ros.metrics.confusion import ConfusionMatrix  # noqa: E402


def test_tensors_score_as_their_images_do():
    rng = np.random.default_rng(0)
    truth = rng.choice([0, 1, 9, 13, 255], (3, 20, 30)).astype(np.uint8)
    prediction = np.where(rng.random(truth.shape) < 0.7, truth, 8).astype(np.uint8)
    prediction[truth == 255] = 3
    names = {"truth_labels": "cityscapes19", "prediction_labels": "cityscapes19"}
    matrix = ConfusionMatrix("joint11", **names)
    counts = TensorCounts(torch.device("cpu"))
    for one, other in zip(truth, prediction, strict=True):
        matrix.update(one, other)
        counts.add(torch.from_numpy(one), torch.from_numpy(other).long())
    np.testing.assert_array_equal(counts.scores().counts, matrix.compute().counts)
    assert counts.scores().miou == pytest.approx(matrix.compute().miou)


def test_own_classes_are_scored_as_they_are_whatever_maps_they_have():
    park = LabelSet.from_dict(yaml.safe_load(PARK))
    counts = TensorCounts(torch.device("cpu"), park)
    counts.add(torch.tensor([[0, 1, 2, 255]]), torch.tensor([[0, 1, 1, 0]]))
    assert counts.scores().labels == park
    assert counts.scores().pixel_accuracy == pytest.approx(2 / 3)


def test_a_set_without_labels_has_no_score():
    counts = TensorCounts(torch.device("cpu"))
    counts.add(torch.full((2, 4, 4), 255), torch.zeros(2, 4, 4, dtype=torch.long))
    assert np.isnan(counts.scores().miou)
