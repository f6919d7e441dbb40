# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fits the calibration of a model to labelled frames, and measures it on frames not fitted on.

A logistic regression on the logit of the confidence: a temperature and a shift of each class, both
linear in the illumination. A ridge keeps the shift of a class that is rare near that of
all classes. Validation frames are few, so it is measured by cross-fitting: the frames of a drive
and all their copies are calibrated by the fit on the other drives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bundles.calibration import SHIFTS, TEMPERATURES, Calibration
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import IGNORE
from nightseg_ros.metrics.confidence import SHOWN_COVERAGE, summed
from nightseg_ros.metrics.scores import in_percent
from nightseg_ros.perception.calibrated import logits, table, threshold_for

KNOTS = (0.1, 0.8)
"""The illuminations of the curves: night and day."""
RIDGE = 0.1
"""How strongly classes are kept together, in frames."""
NIGHT_WEIGHT, COPY_WEIGHT = 3.0, 0.3
"""Weights of a frame of the night, which are few, and of a darkened or relit copy; others: 1."""
TARGET = 0.05
"""The target error whose effect is measured."""
FOLDS = 8
LEAST_DRIVES = 4
ROUNDS = 50
_LIGHTS = 50
_BIN = 0.25
Values = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Evidence:
    """The pixels of one frame or copy."""

    drive: str
    data: str
    """The set it is from."""
    time_of_day: str
    illumination: float
    counts: Counts
    """(classes, 256, 2): predicted class, confidence, wrong or right."""
    copy: bool = False
    features: Mapping[str, float] = field(default_factory=dict)
    """What its novelty is measured by."""


def frame_weight(one: Evidence) -> float:
    """Return how much a frame counts in a fit."""
    if one.copy:
        return COPY_WEIGHT
    return NIGHT_WEIGHT if one.time_of_day == "night" else 1.0


def fit(evidence: Sequence[Evidence]) -> Calibration:
    """Return the calibration that makes these frames most likely."""
    rows, pixels, right, classes = _rows(evidence)
    start = np.zeros(rows.shape[1])
    start[: len(KNOTS)] = 1.0
    ridge = np.full(len(start), RIDGE)
    ridge[len(KNOTS) : 2 * len(KNOTS)] = RIDGE / 100  # the shift of all classes together
    theta = start
    for _ in range(ROUNDS):
        expected = 1 / (1 + np.exp(-np.clip(rows @ theta, -30, 30)))
        slope = rows.T @ (right - pixels * expected) - ridge * (theta - start)
        curvature = (rows * (pixels * expected * (1 - expected))[:, None]).T @ rows
        step = np.linalg.solve(curvature + np.diag(ridge), slope)
        theta = theta + step * min(1.0, 1.0 / np.abs(step).max())
        if np.abs(step).max() < 1e-4:
            break
    scale, common, single = np.split(theta, [len(KNOTS), 2 * len(KNOTS)])
    shift = common + single.reshape(classes, len(KNOTS))
    low, high = TEMPERATURES
    return Calibration(
        KNOTS,
        tuple(round(float(x), 4) for x in 1 / np.clip(scale, 1 / high, 1 / low)),
        tuple(tuple(round(float(x), 4) for x in curve) for curve in np.clip(shift, *SHIFTS)),
    )


def folds(evidence: Sequence[Evidence]) -> Iterator[tuple[list[Evidence], list[Evidence]]]:
    """Yield fitted and held-out part of each fold; a drive is always on one side."""
    drives = sorted({(one.time_of_day, one.drive) for one in evidence if not one.copy})
    fold = {drive: index % FOLDS for index, (_, drive) in enumerate(drives)}
    if len(fold) < LEAST_DRIVES:
        raise NightsegError(
            f"{len(fold)} drives are too few to fit on some and measure on others; give frames of "
            f"{LEAST_DRIVES} or more"
        )
    for index in sorted(set(fold.values())):
        held = [one for one in evidence if fold[one.drive] == index]
        yield [one for one in evidence if fold[one.drive] != index], held


def calibrated_counts(calibration: Calibration, one: Evidence) -> Counts:
    """Return the (256, 2) counts of a frame, by calibrated confidence."""
    places = table(calibration, one.illumination)[: len(one.counts)].ravel()
    flat = one.counts.reshape(-1, 2)
    return np.stack([np.bincount(places, flat[:, i], 256) for i in (0, 1)], 1).astype(np.int64)


def cross_fit(evidence: Sequence[Evidence]) -> dict[str, dict[str, Any]]:
    """Return the figures of frames not fitted on, before and after calibration; no copies.

    By time of day, and by set too where a time of day is in several.
    """
    before: dict[str, list[Counts]] = {}
    after: dict[str, list[Counts]] = {}
    sets = {(one.time_of_day, one.data) for one in evidence}
    several = {time for time, _ in sets if sum(time == other for other, _ in sets) > 1}
    for known, held in folds(evidence):
        calibration = fit(known)
        for one in (one for one in held if not one.copy):
            names = ["all", *filter(None, [one.time_of_day])]
            names += [f"{one.time_of_day} ({one.data})"] if one.time_of_day in several else []
            for name in names:
                before.setdefault(name, []).append(one.counts.sum(axis=0))
                after.setdefault(name, []).append(calibrated_counts(calibration, one))
    return {name: figures(before[name], after[name]) for name in sorted(before)}


def figures(before: Sequence[Counts], after: Sequence[Counts]) -> dict[str, Any]:
    """Return what a calibration did to these frames, in percent."""
    raw, calibrated = summed(before), summed(after)
    kept = summed([one[threshold_for(one.sum(axis=1), TARGET)[0] :] for one in after])
    return {
        "frames": len(after),
        "error": in_percent(raw.error),
        "ece_before": in_percent(raw.ece),
        "ece": in_percent(calibrated.ece),
        "error_at_80_before": in_percent(float(raw.risk(SHOWN_COVERAGE))),
        "error_at_80": in_percent(float(calibrated.risk(SHOWN_COVERAGE))),
        "target_error": in_percent(TARGET),
        "error_at_target": in_percent(kept.error),
        "withheld": in_percent(1 - kept.counts.sum() / calibrated.counts.sum()),
    }


def count(
    truth: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    confidence: NDArray[np.uint8],
    to_truth: NDArray[np.uint8],
    classes: int,
) -> Counts:
    """Return the counts of an `Evidence`; `to_truth` maps ids of the mask to those of the truth."""
    there = truth != IGNORE
    right = cv2.LUT(mask, to_truth) == truth
    places = (mask.astype(np.int32) * 256 + confidence) * 2 + right
    counts = np.bincount(places[there], minlength=classes * 512)
    return np.asarray(counts[: classes * 512].reshape(classes, 256, 2))


def _rows(evidence: Sequence[Evidence]) -> tuple[Values, Values, Values, int]:
    """Return the regression: features of each cell, its weight, its right weight, and classes.

    Frames of one light are added up, and so are confidences whose logits are near each other.
    """
    classes = len(evidence[0].counts)
    places = np.floor(logits() / _BIN).astype(int)
    places -= places.min()
    bins = int(places.max()) + 1
    centre = np.bincount(places, logits(), bins) / np.maximum(np.bincount(places, None, bins), 1)
    to_bins = np.eye(bins)[places]
    cells = np.zeros((_LIGHTS + 1, classes, bins, 2))
    for one in evidence:
        weight = frame_weight(one) / max(1, one.counts.sum())
        at = round(one.illumination * _LIGHTS)
        cells[at] += weight * np.einsum("kcr,cb->kbr", one.counts, to_bins)
    pixels, right = cells.sum(axis=3), cells[..., 1]
    light, label, confidence = np.nonzero(pixels)
    near = np.stack([np.interp(light / _LIGHTS, KNOTS, row) for row in np.eye(len(KNOTS))], 1)
    own = (np.eye(classes)[label][:, :, None] * near[:, None, :]).reshape(len(light), -1)
    rows = np.concatenate([near * centre[confidence][:, None], near, own], axis=1)
    chosen = light, label, confidence
    return rows, pixels[chosen], right[chosen], classes
