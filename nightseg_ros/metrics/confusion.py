# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The confusion matrix of a data set: validate, update per image, compute at the end.

Rules:
- a pixel whose truth is 255, or a class outside the scored label set, is not counted;
- a counted pixel whose prediction is 255, out of range, or a class outside the scored set, is a
  miss: it lowers recall and IoU of its true class, and affects no other class.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import IGNORE, LabelSet, label_set
from nightseg_ros.labels.lookup import lookup
from nightseg_ros.metrics.scores import Scores


def joint_counts(truth: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the (256, 256) counts of stored ids, truth by prediction.

    It is the only pass over the pixels; everything else uses this table.
    """
    pairs = (truth.astype(np.uint16) << 8) | prediction
    return np.bincount(pairs.ravel(), minlength=1 << 16).reshape(256, 256)


class ConfusionMatrix:
    """Counts truth against prediction, image by image.

    `labels` is the label set to score in; masks in other sets are mapped to it, each by its own
    table (`truth_labels`, `prediction_labels`).

    >>> matrix = ConfusionMatrix("joint11", prediction_labels="cityscapes19")
    >>> _ = matrix.update(np.array([[0, 7, 255]], np.uint8), np.array([[0, 255, 3]], np.uint8))
    >>> scores = matrix.compute()
    >>> scores.pixel_accuracy, scores.miou
    (0.5, 0.5)
    """

    def __init__(
        self,
        labels: LabelSet | str,
        *,
        truth_labels: LabelSet | str | None = None,
        prediction_labels: LabelSet | str | None = None,
    ) -> None:
        self.labels = label_set(labels)
        self._truth_count = label_set(truth_labels or labels).count
        self._rows = self._fold(truth_labels)[: self.labels.count]
        self._columns = self._fold(prediction_labels)
        self._images: list[NDArray[np.int64]] = []
        self._pixels = 0

    def add(self, joint: NDArray[np.integer]) -> None:
        """Add the result of `joint_counts`, or of a GPU, as one image."""
        self._images.append(self._folded(joint))
        self._pixels += int(joint.sum())

    def update(
        self, truth: NDArray[np.integer], prediction: NDArray[np.integer]
    ) -> NDArray[np.int64]:
        """Count one image and return its counts; both masks are ids of the same (H, W) shape."""
        counts = self.count(truth, prediction)
        self._images.append(counts)
        self._pixels += truth.size
        return counts

    def count(
        self, truth: NDArray[np.integer], prediction: NDArray[np.integer]
    ) -> NDArray[np.int64]:
        """Return the (n, n + 1) counts of one image without adding it."""
        truth, prediction = _check(truth, "truth"), _check(prediction, "prediction")
        if truth.shape != prediction.shape:
            raise NightsegError(
                f"truth is {list(truth.shape)}, prediction {list(prediction.shape)}; "
                "score masks of the same size"
            )
        return self._folded(joint_counts(truth, prediction))

    def compute(self) -> Scores:
        """Return the scores of everything counted so far."""
        if not self._images:
            raise NightsegError("nothing to score: no image was counted")
        return Scores(self.labels, np.stack(self._images), self._pixels)

    def _folded(self, joint: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the (n, n + 1) counts of the classes of stored ids."""
        foreign = np.flatnonzero(joint[self._truth_count : IGNORE].any(axis=1))
        if foreign.size:
            raise NightsegError(
                f"truth contains id {foreign[0] + self._truth_count}, but its label set has only "
                f"{self._truth_count} classes; name the actual label set"
            )
        # Counts stay exact in float64 (below 2^53), where matrix products are fast.
        counts = self._rows @ joint.astype(np.float64) @ self._columns.T
        return np.asarray(counts.astype(np.int64))

    def _fold(self, source: LabelSet | str | None) -> NDArray[np.float64]:
        """Return the (n + 1, 256) matrix that sums stored ids into classes, row n for the rest."""
        table = lookup(source or self.labels, self.labels)
        fold = np.zeros((self.labels.count + 1, 256))
        fold[np.minimum(table, self.labels.count), np.arange(256)] = 1.0
        return fold


def _check(mask: NDArray[np.integer], what: str) -> NDArray[np.uint8]:
    mask = np.asarray(mask)
    if mask.ndim != 2 or not np.issubdtype(mask.dtype, np.integer):
        raise NightsegError(f"{what} is {mask.dtype} {list(mask.shape)}; need ids of (H, W)")
    if mask.dtype != np.uint8 and mask.size and (mask.min() < 0 or mask.max() > IGNORE):
        raise NightsegError(f"{what} contains ids {mask.min()} to {mask.max()}, need 0 to 255")
    return mask.astype(np.uint8, copy=False)
