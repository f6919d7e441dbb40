# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The proof that an engine is still the model it was made from: both on the same frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.engines.engine import Engine
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import IGNORE, lookup

Image = NDArray[np.uint8]

FP32, FP16, INT8 = "fp32", "fp16", "int8"
PRECISIONS = (FP32, FP16, INT8)

GREY_LEVELS = 3
"""Values of a translated image that differ by no more count as equal: nobody sees it."""

COMMON = 0.001
"""A class counts in `miou` where the reference gives it at least this share of all pixels: of a
few pixels at an edge the intersection over union says nothing."""

SURE = 10
"""A soft-max over at most 25 classes is never less sure (255 / 25); NaN scores leave 0."""


class Limits(NamedTuple):
    """How far a candidate may be from its reference."""

    equal_share: float
    miou: float
    drop: float
    """Points of mIoU against labels that may be lost."""


LIMITS: Mapping[str, Limits] = {
    FP32: Limits(0.995, 97.0, 0.2),
    FP16: Limits(0.99, 95.0, 0.5),
    INT8: Limits(0.93, 75.0, 1.0),
}
"""fp32 engines differ in the order of their sums only; what int8 may cost is 1.0 point of mIoU."""


@dataclass(frozen=True)
class Parity:
    """How a candidate compares with its reference over some frames."""

    frames: int
    equal_share: float
    """Share (0 to 1) of equal pixels, for a translator of about equal values."""
    miou: float | None
    """Of the candidate, in %, with the reference's masks as truth; None for a translator."""
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
    labels: str = "joint11",
    prediction_labels: str = "cityscapes19",
) -> Parity:
    """Run both engines on `frames`, (H, W, 3) RGB of their input size, and compare.

    `truths` are (H, W) masks of the frames in the label set `labels`.
    """
    to_truth = lookup(prediction_labels, labels)
    pairs, before, after = (np.zeros((256, 256), np.int64) for _ in range(3))
    count = equal = values = nans = 0
    waiting = None if truths is None else iter(truths)
    segments = False
    for frame in frames:
        wanted, given = reference.run(frame), candidate.run(frame)
        if [array.shape for array in wanted] != [array.shape for array in given]:
            raise NightsegError(
                f"the candidate gives {[list(array.shape) for array in given]}, its reference "
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
        pairs += _joint(wanted[0], given[0])
        if waiting is not None:
            truth = next(waiting)
            before += _joint(truth, to_truth[wanted[0]])
            after += _joint(truth, to_truth[given[0]])
    if not count:
        raise NightsegError("no frames to compare engines on; name a folder of driving images")
    difference = None
    if truths is not None and segments:
        difference = _miou(after, 0.0) - _miou(before, 0.0)
    miou = _miou(pairs, COMMON) if segments else None
    return Parity(count, equal / values, miou, difference, nans)


def check_parity(parity: Parity, precision: str, name: str) -> None:
    """Refuse an engine that is further from its reference than its precision explains."""
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
        reasons.append(f"{change:+.2f} points of mIoU against labels, may lose {limits.drop:.1f}")
    if reasons:
        raise NightsegError(
            f"{name} ({precision}) is not the same model as its fp32 reference on "
            f"{parity.frames} frames: {'; '.join(reasons)}; it was not kept. Use another "
            "precision, or for int8 more and more varied calibration images"
        )


def _joint(truth: Image, prediction: Image) -> NDArray[np.int64]:
    """Return the (256, 256) counts of truth against prediction."""
    index = (truth.astype(np.int32) << 8) | prediction
    return np.bincount(index.ravel(), minlength=1 << 16).reshape(256, 256)


def _miou(joint: NDArray[np.int64], least: float) -> float:
    """Return the mean IoU, in %, over classes that hold more than the share `least` of the truth.

    Truth 255 is not counted; a prediction of 255 is a miss.
    """
    counted = joint[:IGNORE]
    truth, right = counted.sum(1), counted.diagonal()
    union = truth + counted.sum(0)[:IGNORE] - right
    there = truth > least * max(1, int(truth.sum()))
    return float(100.0 * (right[there] / union[there]).mean()) if there.any() else 0.0
