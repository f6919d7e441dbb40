# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores from confusion counts: accuracies, IoU, and their confidence intervals.

Counts are (..., n, n + 1): row = true class, column = predicted class, last column = predicted as
nothing. Every measure is a function of such counts, so a bootstrap applies it to many counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import LabelSet

Counts = NDArray[Any]  # int64 when counted, float64 when resampled
Values = NDArray[np.float64]


def iou(counts: Counts) -> Values:
    """Return the (..., n) IoU of each class, NaN where it is neither true nor predicted."""
    hits, true, predicted = _hits(counts), _true(counts), counts[..., :-1].sum(axis=-2)
    return ratio(hits, true + predicted - hits)


def iou_where_true(counts: Counts) -> Values:
    """Return the (..., n) IoU of each class, NaN where it is not in the truth."""
    return np.where(_true(counts) > 0, iou(counts), np.nan)


def recall(counts: Counts) -> Values:
    """Return the (..., n) share of each class that was found, NaN where it is not in the truth."""
    return ratio(_hits(counts), _true(counts))


def pixel_accuracy(counts: Counts) -> Values:
    """Return the share of labelled pixels that are right."""
    return ratio(_hits(counts).sum(axis=-1), _true(counts).sum(axis=-1))


def class_accuracy(counts: Counts) -> Values:
    """Return the mean recall over the classes in the truth."""
    return _mean_where(recall(counts), _true(counts) > 0)


def miou(counts: Counts) -> Values:
    """Return the mean IoU over the classes in the truth."""
    return _mean_where(iou(counts), _true(counts) > 0)


def miou_all(counts: Counts) -> Values:
    """Return the mean IoU over all classes; a class that is not in the truth counts 0."""
    found = np.where(_true(counts) > 0, np.nan_to_num(iou(counts)), 0.0)
    return np.asarray(found.mean(axis=-1))


def fwiou(counts: Counts) -> Values:
    """Return the mean IoU weighted by the pixels of each class in the truth."""
    weights = _true(counts)
    return ratio((np.nan_to_num(iou(counts)) * weights).sum(axis=-1), weights.sum(axis=-1))


MEASURES: dict[str, Callable[[Counts], Values]] = {
    "miou": miou,
    "miou_all": miou_all,
    "pixel_accuracy": pixel_accuracy,
    "class_accuracy": class_accuracy,
    "fwiou": fwiou,
}


@dataclass(frozen=True)
class Scores:
    """The scores of a set of images; shares are 0 to 1 here, percentages in text and in to_dict."""

    labels: LabelSet
    per_image: NDArray[np.int64]
    """(images, n, n + 1) counts."""
    pixels: int
    """All pixels, the unlabelled ones included."""

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """The (n, n + 1) counts of the whole set."""
        return np.asarray(self.per_image.sum(axis=0))

    @property
    def images(self) -> int:
        """The number of images."""
        return len(self.per_image)

    @property
    def labelled_share(self) -> float:
        """The share of pixels that are labelled and count for the scores."""
        return float(self.counts.sum() / max(1, self.pixels))

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which classes are in the truth."""
        return _true(self.counts) > 0

    @property
    def iou(self) -> Values:
        """IoU per class, NaN for one that is neither true nor predicted."""
        return iou(self.counts)

    @property
    def recall(self) -> Values:
        """Recall per class (the papers' class accuracy), NaN for one not in the truth."""
        return recall(self.counts)

    @property
    def precision(self) -> Values:
        """Share of the pixels predicted as a class, if labelled, that belong to it."""
        return ratio(_hits(self.counts), self.counts[:, :-1].sum(axis=0))

    @property
    def miou(self) -> float:
        """Mean IoU over the classes in the truth: the main score."""
        return float(miou(self.counts))

    @property
    def pixel_accuracy(self) -> float:
        """Share of labelled pixels that are right."""
        return float(pixel_accuracy(self.counts))

    def interval(
        self, measure: str = "miou", rounds: int = 1000, seed: int = 0, level: float = 0.95
    ) -> tuple[float, float]:
        """Return the percentile bootstrap interval of a measure over the images.

        Each round draws as many images as there are, with replacement, and scores them as one
        set; classes that a round did not draw do not count in it. Frames of one drive are similar,
        so true intervals are wider.
        """
        if measure not in MEASURES:
            raise NightsegError(f"measure '{measure}' is not one of {', '.join(MEASURES)}")
        return bootstrap_interval(MEASURES[measure], self.per_image, rounds, seed, level)

    def to_dict(self, bootstrap: int = 0, seed: int = 0) -> dict[str, Any]:
        """Return the scores in percent as plain data, for --json and for model.yaml."""
        result: dict[str, Any] = {"label_set": self.labels.name, "images": self.images}
        result["labelled_share"] = in_percent(self.labelled_share)
        for name, measure in MEASURES.items():
            result[name] = in_percent(float(measure(self.counts)))
        low_high = None
        if bootstrap:
            low, high = self.interval("miou", bootstrap, seed)
            result["miou_95"] = [in_percent(low), in_percent(high)]
            low_high = bootstrap_intervals(iou_where_true, self.per_image, bootstrap, seed)
        result["classes_present"] = int(self.present.sum())
        holding = (_true(self.per_image) > 0).sum(axis=0)
        shares = _true(self.counts) / max(1, self.counts.sum())
        result["per_class"] = {
            name: {
                "iou": in_percent(self.iou[i]) if self.present[i] else None,
                "recall": in_percent(self.recall[i]),
                "precision": in_percent(self.precision[i]),
                "share": in_percent(shares[i]),
                "images": int(holding[i]),
            }
            for i, name in enumerate(self.labels.names)
        }
        if low_high is not None:
            for row, low, high in zip(result["per_class"].values(), *low_high, strict=True):
                row["iou_95"] = [in_percent(low), in_percent(high)]
        result["confusion"] = self.counts.tolist()
        return result


def bootstrap_interval(
    measure: Callable[[Counts], Values],
    per_image: NDArray[np.int64],
    rounds: int,
    seed: int,
    level: float,
) -> tuple[float, float]:
    """Return the percentile interval of a measure of summed counts over resampled images."""
    low, high = bootstrap_intervals(measure, per_image, rounds, seed, level)
    return float(low), float(high)


def bootstrap_intervals(
    measure: Callable[[Counts], Values],
    per_image: NDArray[np.int64],
    rounds: int,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[Values, Values]:
    """Return the lower and upper bounds of a measure that may give several values, as arrays.

    A round in which a value is NaN does not count for it; one image has no interval.
    """
    images = len(per_image)
    if rounds < 1 or not 0.0 < level < 1.0:
        raise NightsegError(f"bootstrap with {rounds} rounds at level {level}; need 1 and 0 to 1")
    drawn = np.random.default_rng(seed).multinomial(images, [1 / images] * images, rounds)
    flat = per_image.reshape(images, -1).astype(np.float64)
    values = measure((drawn @ flat).reshape(rounds, *per_image.shape[1:]))
    nothing = np.isnan(values).all(axis=0) | (images < 2)
    known = np.where(nothing, 0.0, values)  # numpy warns about a column of NaN only
    low, high = np.nanquantile(known, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)


def _hits(counts: Counts) -> Counts:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _true(counts: Counts) -> Counts:
    return np.asarray(counts.sum(axis=-1))


def ratio(part: Counts, whole: Counts) -> Values:
    """Return the share of each part in its whole, NaN where there is nothing of it."""
    whole = np.asarray(whole, np.float64)
    nothing = np.full(whole.shape, np.nan)
    return np.asarray(np.divide(part, whole, out=nothing, where=whole > 0))


def _mean_where(values: Values, where: NDArray[np.bool_]) -> Values:
    return ratio(np.where(where, np.nan_to_num(values), 0.0).sum(axis=-1), where.sum(axis=-1))


def in_percent(share: float) -> float | None:
    """Return a share as a percentage with two digits, None for NaN; for JSON and YAML.

    >>> in_percent(0.74123), in_percent(float("nan"))
    (74.12, None)
    """
    return None if math.isnan(share) else round(100 * float(share), 2)
