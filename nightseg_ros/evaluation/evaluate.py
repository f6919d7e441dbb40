# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scoring a predictor on a data set: any function from an RGB image to a mask of its size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.confusion import ConfusionMatrix
from nightseg_ros.evaluation.drivable import DrivableRecall, RecallScores
from nightseg_ros.evaluation.scores import Scores
from nightseg_ros.labels import label_set, lookup
from nightseg_ros.learning.datasets import DrivingSet, Sample

Predict = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
Seen = Callable[[Sample], object]

DRIVABLE = "drivable"


def is_drivable(dataset: DrivingSet) -> bool:
    """Whether the labels of a set say where to drive, and not what things are."""
    return dataset.label_set is not None and _has_map(dataset.label_set, DRIVABLE)


def evaluate_predictions(
    dataset: DrivingSet,
    predict: Predict,
    label_set: str = "joint11",
    *,
    prediction_labels: str = "cityscapes19",
    threads: int = 2,
    seen: Seen | None = None,
) -> Scores:
    """Score `predict` on a labelled set, at the size of its labels, in the label set `label_set`.

    A file that cannot be read is an error: figures over fewer images are other figures. `seen` is
    called after each image, for progress.
    """
    matrix = ConfusionMatrix(label_set, prediction_labels=prediction_labels)
    for sample, image, truth in dataset.load_all(label_set, max_bad=0.0, threads=threads):
        assert truth is not None
        matrix.update(truth, _checked(predict(image), image, sample))
        if seen:
            seen(sample)
    return matrix.compute()


def evaluate_drivable(
    dataset: DrivingSet,
    predict: Predict,
    *,
    prediction_labels: str = "cityscapes19",
    threads: int = 2,
    seen: Seen | None = None,
) -> RecallScores:
    """Measure which share of the drivable pixels of a set `predict` takes for road."""
    road = label_set(prediction_labels).names.index("road")
    total = DrivableRecall()
    for sample, image, drivable in dataset.load_all(DRIVABLE, max_bad=0.0, threads=threads):
        assert drivable is not None
        mask = _checked(predict(image), image, sample)
        total.update(mask == road, drivable == 1, sample.name)
        if seen:
            seen(sample)
    return total.compute()


def _checked(
    mask: NDArray[np.uint8], image: NDArray[np.uint8], sample: Sample
) -> NDArray[np.uint8]:
    if mask.shape != image.shape[:2]:
        raise NightsegError(
            f"{sample.image}: the predicted mask is {list(mask.shape)}, the image "
            f"{list(image.shape[:2])}; predict at the size of the image"
        )
    return mask


def _has_map(source: str, target: str) -> bool:
    try:
        lookup(source, target)
    except NightsegError:
        return False
    return True
