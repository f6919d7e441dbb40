# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scoring a predictor on a data set: any function from an RGB image to a mask of its size."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.confusion import ConfusionMatrix
from nightseg_ros.evaluation.drivable import DrivableRecall, RecallScores, drivable_recall
from nightseg_ros.evaluation.scores import Scores
from nightseg_ros.labels import label_set, lookup
from nightseg_ros.learning.datasets import DrivingSet, Sample

Predict = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
Seen = Callable[[Sample], object]


@dataclass(frozen=True)
class Look:
    """One image of a set and what became of it, for those who want to see it."""

    sample: Sample
    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    truth: NDArray[np.uint8] | None = None
    right: float | None = None
    """Share of the labelled (or drivable) pixels that are right; NaN where there are none."""


Looks = Callable[[Look], object]

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
    looks: Looks | None = None,
) -> Scores:
    """Score `predict` on a labelled set, at the size of its labels, in the label set `label_set`.

    A file that cannot be read is an error: figures over fewer images are other figures. `seen` is
    called after each image, for progress; `looks` gets the image and its mask as well.
    """
    matrix = ConfusionMatrix(label_set, prediction_labels=prediction_labels)
    for sample, image, truth in dataset.load_all(label_set, max_bad=0.0, threads=threads):
        assert truth is not None
        mask = _checked(predict(image), image, sample)
        counts = matrix.update(truth, mask)
        if looks:
            whole = int(counts.sum())
            right = float(np.trace(counts[:, :-1]) / whole) if whole else math.nan
            looks(Look(sample, image, mask, truth, right))
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
    looks: Looks | None = None,
) -> RecallScores:
    """Measure which share of the drivable pixels of a set `predict` takes for road."""
    road = label_set(prediction_labels).names.index("road")
    total = DrivableRecall()
    for sample, image, drivable in dataset.load_all(DRIVABLE, max_bad=0.0, threads=threads):
        assert drivable is not None
        mask = _checked(predict(image), image, sample)
        total.update(mask == road, drivable == 1, sample.name)
        if looks:
            right = drivable_recall(mask == road, drivable == 1)
            looks(Look(sample, image, mask, right=right))
        if seen:
            seen(sample)
    return total.compute()


def predict_only(
    dataset: DrivingSet,
    predict: Predict,
    looks: Looks,
    *,
    threads: int = 2,
    seen: Seen | None = None,
) -> int:
    """Run `predict` over a set that has no labels, for what becomes of its masks elsewhere."""
    images = 0
    for sample, image, _ in dataset.load_all(None, max_bad=0.0, threads=threads):
        looks(Look(sample, image, _checked(predict(image), image, sample)))
        images += 1
        if seen:
            seen(sample)
    return images


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
