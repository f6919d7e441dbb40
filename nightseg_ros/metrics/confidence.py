# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the confidence of masks is worth: ECE, reliability, risk over coverage, AUSE, UIoU.

A confidence is a byte, 255 times the probability that its pixel is right. Only pixels with a label
count. All measures come from counts by confidence, so no pixel is kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import LabelSet, label_set
from nightseg_ros.labels.lookup import lookup
from nightseg_ros.metrics.scores import in_percent

Counts = NDArray[np.int64]
Values = NDArray[np.float64]

BINS = 15
"""Bins of equal width of the calibration error: 17 of the 256 confidences each."""
COVERAGES = np.arange(1, 101) / 100
SHOWN_COVERAGE = 0.8


@dataclass(frozen=True)
class Reliability:
    """The (256, 2) pixels of each confidence, wrong and right, and what follows from them."""

    counts: Counts

    @property
    def error(self) -> float:
        """The share of pixels that are wrong."""
        return float(self.counts[:, 0].sum() / max(1, self.counts.sum()))

    def bins(self) -> list[tuple[float, float, float]]:
        """Return mean confidence, accuracy and share of pixels of each bin that has pixels."""
        place = np.minimum(np.arange(256) * BINS // 255, BINS - 1)
        pixels = np.bincount(place, self.counts.sum(axis=1), BINS)
        sure = np.bincount(place, self.counts.sum(axis=1) * np.arange(256) / 255, BINS)
        right = np.bincount(place, self.counts[:, 1], BINS)
        there = pixels > 0
        rows = (sure[there] / pixels[there], right[there] / pixels[there], pixels[there])
        return [
            (float(mean), float(accuracy), float(count / pixels.sum()))
            for mean, accuracy, count in zip(*rows, strict=True)
        ]

    @property
    def ece(self) -> float:
        """The expected calibration error: the mean gap of confidence and accuracy of the bins."""
        return sum(share * abs(sure - right) for sure, right, share in self.bins())

    def risk(self, coverage: Values | float) -> Values:
        """Return the error of the share `coverage` of pixels with the highest confidence.

        Of pixels with equal confidence, those that are wrong are taken as often as they occur.
        """
        falling = self.counts[::-1]
        pixels = np.concatenate([[0], falling.sum(axis=1).cumsum()])
        wrong = np.concatenate([[0], falling[:, 0].cumsum()])
        kept = np.asarray(coverage) * pixels[-1]
        return np.asarray(np.interp(kept, pixels, wrong) / np.maximum(kept, 1e-9))

    @property
    def ause(self) -> float:
        """Area between the risk and that of an oracle, which drops what is wrong first.

        Over all coverages, as a share of the error of the whole: 0 is an oracle.
        """
        if self.error == 0.0:
            return 0.0
        oracle = np.maximum(0.0, COVERAGES - (1 - self.error)) / COVERAGES
        return float(np.trapezoid(self.risk(COVERAGES) - oracle, COVERAGES) / self.error)


@dataclass(frozen=True)
class ConfidenceScores:
    """The measures of a set of images."""

    labels: LabelSet
    joint: Counts
    """(2, n, n + 1, 256) pixels: valid or invalid, truth, prediction, confidence."""

    @property
    def reliability(self) -> Reliability:
        """The counts of all labelled pixels."""
        return Reliability(right_and_wrong(self.joint.sum(axis=0)))

    def uiou(self, least: int) -> float:
        """Return the mean uncertainty-aware IoU where confidences under `least` are invalid.

        By the rules of Dark Zurich and ACDC: a pixel that annotators called invalid and that the
        prediction calls invalid counts as right; one that only the prediction calls invalid is a
        miss.
        """
        sure = self.joint[..., least:].sum(axis=(0, -1))
        hits = np.diagonal(sure)
        unsure = self.joint[..., :least].sum(axis=(2, 3))
        union = sure.sum(axis=1) + sure[:, :-1].sum(axis=0) - hits + unsure.sum(axis=0)
        present = self.joint.sum(axis=(0, 2, 3)) > 0
        values = (hits + unsure[1])[present] / union[present]
        return float(values.mean()) if values.size else math.nan

    @property
    def average_uiou(self) -> float:
        """The mean UIoU over all thresholds from 1 / number of classes to 1."""
        first = math.ceil(255 / self.labels.count)
        return float(np.mean([self.uiou(least) for least in range(first, 256)]))

    @property
    def best_uiou(self) -> tuple[float, float]:
        """The highest UIoU and its threshold."""
        values = [self.uiou(least) for least in range(256)]
        best = int(np.nanargmax(values)) if not np.isnan(values).all() else 0
        return values[best], best / 255

    def to_dict(self) -> dict[str, Any]:
        """Return the measures as plain data; shares in percent."""
        whole = self.reliability
        best, threshold = self.best_uiou
        return {
            "ece": in_percent(whole.ece),
            "ause": in_percent(whole.ause),
            "error": in_percent(whole.error),
            "error_at_80": in_percent(float(whole.risk(SHOWN_COVERAGE))),
            "uiou": in_percent(best),
            "uiou_threshold": round(threshold, 3),
            "average_uiou": in_percent(self.average_uiou),
            "invalid": in_percent(float(self.joint[1].sum() / max(1, self.joint.sum()))),
            "reliability": [[in_percent(x) for x in row] for row in whole.bins()],
            "risk": [[in_percent(x), in_percent(float(whole.risk(x)))] for x in COVERAGES],
        }


class ConfidenceCounts:
    """Counts confidences of right and wrong pixels, image by image."""

    def __init__(
        self, labels: LabelSet | str, prediction_labels: LabelSet | str | None = None
    ) -> None:
        """Score in `labels`; masks in other sets are mapped to it."""
        self.labels = label_set(labels) if isinstance(labels, str) else labels
        count = self.labels.count
        table = lookup(prediction_labels or self.labels, self.labels)
        self._columns = np.minimum(table, count).astype(np.int32)
        self._joint = np.zeros((2, count + 1, count + 1, 256), np.int64)

    def update(
        self,
        truth: NDArray[np.uint8],
        mask: NDArray[np.uint8],
        confidence: NDArray[np.uint8],
        invalid: NDArray[np.bool_] | None = None,
    ) -> None:
        """Count one image; `invalid` are the pixels whose label the annotator guessed."""
        if not truth.shape == mask.shape == confidence.shape:
            raise NightsegError(
                f"truth is {list(truth.shape)}, mask {list(mask.shape)}, confidence "
                f"{list(confidence.shape)}; score maps of the same size"
            )
        side = self.labels.count + 1
        place = np.minimum(truth, self.labels.count).astype(np.int32)
        if invalid is not None:
            place += side * invalid
        place = (place * side + self._columns[mask]) * 256 + confidence
        self._joint += np.bincount(place.ravel(), minlength=self._joint.size).reshape(
            self._joint.shape
        )

    def compute(self) -> ConfidenceScores:
        """Return the measures of everything counted so far."""
        return ConfidenceScores(self.labels, self._joint[:, :-1])


def right_and_wrong(joint: Counts) -> Counts:
    """Return the (256, 2) wrong and right pixels of (n, n + 1, 256) counts."""
    right = np.einsum("kkc->c", joint[:, :-1])
    return np.stack([joint.sum(axis=(0, 1)) - right, right], axis=1)


def summed(counts: Sequence[Counts]) -> Reliability:
    """Return the reliability of several counts together, each of all or the highest confidences."""
    whole = np.zeros((256, 2), np.int64)
    for one in counts:
        whole[256 - len(one) :] += one
    return Reliability(whole)
