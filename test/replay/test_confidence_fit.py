# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fitting confidences: known curves are found again, and what is reported was not fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.metrics.confidence import summed
from nightseg_ros.perception.calibrated import logits
from nightseg_ros.replay.confidence_fit import (
    Evidence,
    calibrated_counts,
    count,
    cross_fit,
    fit,
    folds,
)

CLASSES = 3
SHIFT = np.array([0.5, 0.0, -1.5])


def frame(number: int, light: float, *, noise: float = 0.0, **facts) -> Evidence:
    """Return a frame whose pixels are right as a temperature and shifts say, exactly."""
    rng = np.random.default_rng(number)
    temperature = 2.0 - light
    shift = SHIFT * (1 - light) + noise * rng.normal(size=3)
    right = 1 / (1 + np.exp(-(logits() / temperature + shift[:, None])))
    pixels = rng.integers(100, 2000, (CLASSES, 256))
    hits = np.rint(pixels * right).astype(np.int64)
    time = "night" if light < 0.3 else "day"
    facts = {"drive": f"drive {number}", "data": "set", "time_of_day": time} | facts
    return Evidence(illumination=light, counts=np.stack([pixels - hits, hits], 2), **facts)


@pytest.fixture(scope="module")
def frames():
    return [frame(i, light) for i, light in enumerate(np.linspace(0.1, 0.8, 16))]


def test_known_curves_are_found_again(frames):
    found = fit(frames * 20)  # so many that the ridge counts for little
    assert found.temperature == pytest.approx([1.9, 1.2], rel=0.06)
    expected = SHIFT[:, None] * (1 - np.array(found.illumination))
    assert np.array(found.shift) == pytest.approx(expected, abs=0.12)


def test_calibrated_confidences_are_probabilities(frames):
    found = fit(frames)
    before = summed([one.counts.sum(axis=0) for one in frames])
    after = summed([calibrated_counts(found, one) for one in frames])
    assert before.ece > 0.05
    assert after.ece < 0.01
    assert after.ause < before.ause  # the classes are sorted, too
    assert after.error == pytest.approx(before.error)


def test_a_drive_is_never_on_both_sides(frames):
    copies = [frame(i, 0.1, drive=f"drive {i}", copy=True) for i in range(16)]
    seen = 0
    for known, held in folds([*frames, *copies]):
        assert not {one.drive for one in known} & {one.drive for one in held}
        seen += len(held)
    assert seen == 32


def test_figures_are_of_frames_that_were_not_fitted_on():
    # Every drive has shifts of its own: only a fit that saw a drive could know them.
    odd = [frame(i, 0.15, noise=2.0) for i in range(12)]
    known = summed([calibrated_counts(fit([one] * 50), one) for one in odd])
    unknown = cross_fit(odd)["night"]
    assert 100 * known.ece < 2
    assert unknown["ece"] > 5
    assert unknown["frames"] == 12


def test_copies_count_for_the_fit_alone(frames):
    copies = [frame(90 + i, 0.1, drive=one.drive, copy=True) for i, one in enumerate(frames)]
    found = cross_fit([*frames, *copies])
    assert set(found) == {"all", "day", "night"}
    assert found["all"]["frames"] == 16
    assert found["all"]["ece"] < 1 < found["all"]["ece_before"]
    assert found["all"]["error_at_80"] < found["all"]["error_at_80_before"]
    assert 4 < found["all"]["error_at_target"] < 5.5
    assert 90 < found["all"]["withheld"] < 99.9  # few pixels are that certain


def test_sets_of_one_time_of_day_are_distinguished(frames):
    other = [frame(40 + i, 0.2, data="other") for i in range(4)]
    names = set(cross_fit([*frames, *other]))
    assert names == {"all", "day", "night", "night (set)", "night (other)"}


def test_a_class_that_is_never_seen_gets_the_shift_of_the_others(frames):
    def without(one: Evidence) -> Evidence:
        counts = one.counts.copy()
        counts[2] = 0
        facts = {"drive": one.drive, "data": "set", "time_of_day": one.time_of_day}
        return Evidence(illumination=one.illumination, counts=counts, **facts)

    shift = np.array(fit([without(one) for one in frames]).shift)
    assert shift[:2].min() - 0.1 < shift[2].mean() < shift[:2].max() + 0.1


def test_pixels_are_counted_by_class_and_confidence():
    truth = np.array([[0, 1, 255, 1]], np.uint8)
    mask = np.array([[0, 2, 1, 1]], np.uint8)
    confidence = np.array([[10, 20, 30, 255]], np.uint8)
    table = np.arange(256, dtype=np.uint8)
    found = count(truth, mask, confidence, table, CLASSES)
    assert np.argwhere(found).tolist() == [[0, 10, 1], [1, 255, 1], [2, 20, 0]]


def test_too_few_drives_are_refused(frames):
    with pytest.raises(NightsegError, match="3 drives are too few"):
        list(folds(frames[:3]))
