# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores a predictor on a data set: any function from an RGB image to a mask of its size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.datasets import DrivingSet, Sample
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import LabelSet, label_set
from nightseg_ros.labels.lookup import has_map, lookup
from nightseg_ros.labels.maps import MAPS
from nightseg_ros.metrics.confusion import ConfusionMatrix
from nightseg_ros.metrics.drivable import DrivableRecall, RecallScores, drivable_recall

if TYPE_CHECKING:
    from nightseg_ros.metrics.scores import Scores

Image = NDArray[np.uint8]
Predict = Callable[[Image], Image]
OnSample = Callable[[Sample], object]


@dataclass(frozen=True)
class Evaluated:
    """One image of a set and its result, for reports and other outputs."""

    sample: Sample
    image: Image
    mask: Image
    truth: Image | None = None
    right: float | None = None
    """Share of the labelled (or drivable) pixels that are right; NaN where there are none."""


OnEvaluated = Callable[[Evaluated], object]

DRIVABLE = "drivable"


def is_drivable(dataset: DrivingSet) -> bool:
    """Return whether the labels of a set mark the drivable area instead of classes."""
    return dataset.label_set == DRIVABLE or (dataset.label_set, DRIVABLE) in MAPS


def evaluate_predictions(
    dataset: DrivingSet,
    predict: Predict,
    label_set: LabelSet | str = "joint11",
    *,
    prediction_labels: LabelSet | str = "cityscapes19",
    on_sample: OnSample | None = None,
    on_evaluated: OnEvaluated | None = None,
) -> Scores:
    """Score `predict` on a labelled set, at the size of its labels, in the label set `label_set`.

    A file that cannot be read is an error: scores over fewer images are not comparable.
    `on_sample` is called after each image, for progress; `on_evaluated` gets image and mask too.
    """
    matrix = ConfusionMatrix(label_set, prediction_labels=prediction_labels)
    for sample, image, truth, mask in _predicted(dataset, predict, label_set, on_sample):
        assert truth is not None
        counts = matrix.update(truth, mask)
        if on_evaluated:
            whole = int(counts.sum())
            right = float(np.trace(counts[:, :-1]) / whole) if whole else math.nan
            on_evaluated(Evaluated(sample, image, mask, truth, right))
    return matrix.compute()


def evaluate_drivable(
    dataset: DrivingSet,
    predict: Predict,
    *,
    prediction_labels: LabelSet | str = "cityscapes19",
    on_sample: OnSample | None = None,
    on_evaluated: OnEvaluated | None = None,
) -> RecallScores:
    """Measure the share of a set's drivable pixels that `predict` labels as road."""
    roads = road_ids(prediction_labels)
    total = DrivableRecall()
    for sample, image, drivable, mask in _predicted(dataset, predict, DRIVABLE, on_sample):
        assert drivable is not None
        road = roads[mask]
        total.update(road, drivable == 1, sample.name)
        if on_evaluated:
            right = drivable_recall(road, drivable == 1)
            on_evaluated(Evaluated(sample, image, mask, right=right))
    return total.compute()


def road_ids(labels: LabelSet | str) -> NDArray[np.bool_]:
    """Return a (256,) table: whether masks of `labels` show drivable ground by this id.

    >>> np.flatnonzero(road_ids("cityscapes19")), np.flatnonzero(road_ids("drivable"))
    (array([0]), array([1]))
    """
    if has_map(labels, DRIVABLE):
        return np.equal(lookup(labels, DRIVABLE), 1)
    found = label_set(labels)
    if "road" not in found.names:
        raise NightsegError(
            f"which of the classes {', '.join(found.names)} are drivable? Say so in the label file "
            f"of {found.name}, with to: {{drivable: {{NAME: drivable}}}}"
        )
    return np.equal(np.arange(256), found.names.index("road"))


def predict_only(
    dataset: DrivingSet,
    predict: Predict,
    on_evaluated: OnEvaluated,
    *,
    on_sample: OnSample | None = None,
) -> int:
    """Run `predict` over a set without labels, for the callers of `on_evaluated`."""
    for sample, image, _, mask in _predicted(dataset, predict, None, on_sample):
        on_evaluated(Evaluated(sample, image, mask))
    return len(dataset)


def _predicted(
    dataset: DrivingSet, predict: Predict, labels: LabelSet | str | None, on_sample: OnSample | None
) -> Iterator[tuple[Sample, Image, Image | None, Image]]:
    """Yield every sample with its image, its labels in the set `labels`, and its mask."""
    for sample, image, truth in dataset.load_all(labels, max_bad=0.0):
        mask = predict(image)
        if mask.shape != image.shape[:2]:
            raise NightsegError(
                f"{sample.image}: the predicted mask is {list(mask.shape)}, the image "
                f"{list(image.shape[:2])}; predict at the size of the image"
            )
        yield sample, image, truth, mask
        if on_sample:
            on_sample(sample)
