# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The recall of road inside drivable masks.

A drivable mask marks the lanes a car may use, never the whole road: precision and IoU against it
are meaningless, so there is only recall.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.text_table import cell, interval
from nightseg_ros.metrics.scores import Counts, Values, bootstrap_interval, in_percent, ratio


def drivable_recall(road: NDArray[np.bool_], drivable: NDArray[np.bool_]) -> float:
    """Return the share of drivable pixels that are predicted as road, NaN if there are none.

    >>> drivable_recall(np.array([[True, False]]), np.array([[True, True]]))
    0.5
    """
    return DrivableRecall().update(road, drivable).compute().recall


@dataclass(frozen=True)
class RecallScores:
    """Recall over a set of images; shares are 0 to 1 here, percentages in to_dict."""

    per_image: NDArray[np.int64]
    """(images, 2): drivable pixels that are road, drivable pixels."""
    names: tuple[str, ...]

    @property
    def images(self) -> int:
        """The number of images."""
        return len(self.per_image)

    @property
    def recall(self) -> float:
        """Recall over all drivable pixels of the set."""
        return float(recall(self.per_image.sum(axis=0)))

    @property
    def image_recalls(self) -> Values:
        """Recall of each image, NaN for one without drivable pixels."""
        return recall(self.per_image)

    def interval(
        self, rounds: int = 1000, seed: int = 0, level: float = 0.95
    ) -> tuple[float, float]:
        """Return the bootstrap interval of the recall over images."""
        return bootstrap_interval(recall, self.per_image, rounds, seed, level)

    def to_dict(self, bootstrap: int = 0, seed: int = 0) -> dict[str, Any]:
        """Return the recall in percent as plain data."""
        values = self.image_recalls
        known = np.flatnonzero(~np.isnan(values))
        worst = known[np.argsort(values[known], kind="stable")][:5]
        result: dict[str, Any] = {
            "images": self.images,
            "drivable_recall": in_percent(self.recall),
            "mean_over_images": in_percent(float(values[known].mean()) if known.size else np.nan),
            "worst": {self.names[i]: in_percent(values[i]) for i in worst},
        }
        if bootstrap:
            low, high = self.interval(bootstrap, seed)
            result["drivable_recall_95"] = [in_percent(low), in_percent(high)]
        return result


class DrivableRecall:
    """Counts road inside drivable masks, image by image."""

    def __init__(self) -> None:
        self._counts: list[tuple[int, int]] = []
        self._names: list[str] = []

    def update(
        self, road: NDArray[np.bool_], drivable: NDArray[np.bool_], name: str = ""
    ) -> DrivableRecall:
        """Count one image: the predicted road, and the drivable area."""
        road, drivable = np.asarray(road), np.asarray(drivable)
        for what, mask in (("road", road), ("drivable", drivable)):
            if mask.dtype != bool:
                raise NightsegError(f"{what} mask is {mask.dtype}; need true or false per pixel")
        if road.shape != drivable.shape:
            raise NightsegError(
                f"road is {list(road.shape)}, drivable {list(drivable.shape)}; "
                "score masks of the same size"
            )
        self._counts.append((int((road & drivable).sum()), int(drivable.sum())))
        self._names.append(name)
        return self

    def compute(self) -> RecallScores:
        """Return the recall of everything counted so far."""
        if not self._counts:
            raise NightsegError("nothing to score: no image was counted")
        return RecallScores(np.array(self._counts, np.int64), tuple(self._names))


def render_recall(scores: dict[str, Any]) -> str:
    """Return `RecallScores.to_dict()` as text."""
    spread = interval(scores.get("drivable_recall_95"), "  (95 % over images: {})")
    worst = ", ".join(f"{name} {value:.1f}" for name, value in scores["worst"].items())
    return (
        f"drivable recall  {cell(scores['drivable_recall'])}{spread}\n"
        f"mean over images {cell(scores['mean_over_images'])}\n"
        f"images           {scores['images']}\n"
        f"worst            {worst}"
    )


def recall(counts: Counts) -> Values:
    """Return the recall of counts (..., 2) of found and of all drivable pixels."""
    return ratio(counts[..., 0], counts[..., 1])
