# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compares an engine with the model it was built from, on the same frames."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import CITYSCAPES19, IGNORE, LabelSet
from nightseg_ros.labels.lookup import scored_in
from nightseg_ros.metrics.confusion import ConfusionMatrix, joint_counts
from nightseg_ros.metrics.scores import iou

if TYPE_CHECKING:
    from nightseg_ros.engines.engine import Engine

Image = NDArray[np.uint8]

FP32, FP16, INT8 = "fp32", "fp16", "int8"
PRECISIONS = (FP32, FP16, INT8)

GREY_LEVELS = 3
"""Values of a translated image that differ by no more count as equal: it is invisible."""

COMMON = 0.001
"""A class counts in `miou` only with at least this share of the reference's pixels: for a few
pixels at an edge, the intersection over union is meaningless."""

SURE = 10
"""The least confidence of a soft-max over at most 25 classes (255 / 25); NaN scores give 0."""


class Limits(NamedTuple):
    """How far a candidate may differ from its reference."""

    equal_share: float
    miou: float
    drop: float
    """Permitted loss against labels, in points of mIoU."""


LIMITS: Mapping[str, Limits] = {
    FP32: Limits(0.995, 97.0, 0.2),
    FP16: Limits(0.99, 95.0, 0.5),
    INT8: Limits(0.93, 75.0, 1.0),
}
"""fp32 engines differ only in the order of sums; int8 may cost 1.0 point of mIoU."""


@dataclass(frozen=True)
class Parity:
    """The comparison of a candidate with its reference over some frames."""

    frames: int
    equal_share: float
    """Share (0 to 1) of equal pixels; for a translator, of nearly equal values."""
    miou: float | None
    """mIoU of the candidate in %, with the reference's masks as truth; None for a translator."""
    miou_truth_difference: float | None = None
    """Candidate's minus reference's mIoU, in points, where labels were given."""
    nan_count: int = 0
    """Values that are NaN or infinite, or pixels whose confidence only a NaN explains."""

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain numbers, for model.yaml and engine.json."""
        figures: dict[str, Any] = {
            "frames": self.frames,
            "equal_share": round(self.equal_share, 5),
            "nan_count": self.nan_count,
        }
        if self.miou is not None:
            figures["miou"] = round(self.miou, 2)
        if self.miou_truth_difference is not None:
            figures["miou_truth_difference"] = round(self.miou_truth_difference, 2)
        return figures

    def __str__(self) -> str:
        """Return the figures as a phrase."""
        parts = [f"{self.equal_share:.2%} of the pixels equal"]
        if self.miou is not None:
            parts.append(f"mIoU {self.miou:.1f} % against the reference")
        if self.miou_truth_difference is not None:
            parts.append(f"{self.miou_truth_difference:+.2f} points of mIoU against labels")
        return f"{', '.join(parts)}, {self.nan_count} NaN, on {self.frames} frames"


def measure_parity(
    reference: Engine,
    candidate: Engine,
    frames: Iterable[Image],
    truths: Iterable[Image] | None = None,
    *,
    labels: LabelSet = CITYSCAPES19,
) -> Parity:
    """Run both engines on `frames`, (H, W, 3) RGB of their input size, and compare.

    `labels` are those of the network. `truths` are (H, W) masks of the frames in the label set that
    these are scored in.
    """
    scored = scored_in(labels)
    before = ConfusionMatrix(scored, prediction_labels=labels)
    after = ConfusionMatrix(scored, prediction_labels=labels)
    pairs = np.zeros((256, 256), np.int64)
    count = equal = values = nans = 0
    waiting = None if truths is None else iter(truths)
    segments = False
    for frame in frames:
        wanted, given = reference.run(frame), candidate.run(frame)
        if [array.shape for array in wanted] != [array.shape for array in given]:
            raise NightsegError(
                f"the candidate returns {[list(array.shape) for array in given]}, its reference "
                f"{[list(array.shape) for array in wanted]}; it is not the same model"
            )
        count += 1
        values += wanted[0].size
        segments = len(wanted) > 1
        if not segments:
            apart = np.abs(wanted[0].astype(np.int16) - given[0])
            equal += int((apart <= GREY_LEVELS).sum())
            continue
        equal += int((wanted[0] == given[0]).sum())
        nans += int(((given[1] == 0) & (wanted[1] >= SURE)).sum())
        pairs += joint_counts(wanted[0], given[0])
        if waiting is not None:
            truth = next(waiting)
            before.update(truth, wanted[0])
            after.update(truth, given[0])
    if not count:
        raise NightsegError(
            "there are no frames to compare engines on; name a folder of driving images"
        )
    difference = None
    if truths is not None and segments:
        change = 100.0 * (after.compute().miou - before.compute().miou)
        difference = None if math.isnan(change) else change  # nothing was labelled
    miou = _miou(pairs) if segments else None
    return Parity(count, equal / values, miou, difference, nans)


def check_parity(parity: Parity, precision: str, name: str) -> None:
    """Refuse an engine that differs more from its reference than its precision explains."""
    limits = LIMITS[precision]
    reasons = []
    if parity.nan_count:
        reasons.append(f"{parity.nan_count} NaN, need none")
    if parity.equal_share < limits.equal_share:
        reasons.append(
            f"{parity.equal_share:.2%} of the pixels equal, need {limits.equal_share:.1%}"
        )
    if parity.miou is not None and parity.miou < limits.miou:
        reasons.append(f"mIoU {parity.miou:.1f} % against the reference, need {limits.miou:.0f} %")
    if (change := parity.miou_truth_difference) is not None and change < -limits.drop:
        reasons.append(
            f"{change:+.2f} points of mIoU against labels, at most {limits.drop:.1f} may be lost"
        )
    if reasons:
        raise NightsegError(
            f"{name} ({precision}) is not the same model as its fp32 reference on "
            f"{parity.frames} frames: {'; '.join(reasons)}; it was not kept. Use another "
            "precision, or for int8 more and more varied calibration images"
        )


def _miou(joint: NDArray[np.int64]) -> float:
    """Return the mean IoU, in %, over classes with more than the share COMMON of the truth.

    Truth 255 is not counted; a prediction of 255 is a miss.
    """
    counts = joint[:IGNORE]
    truth = counts.sum(axis=1)
    common = truth > COMMON * max(1, int(truth.sum()))
    return float(100.0 * iou(counts)[common].mean()) if common.any() else 0.0
