# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fitting domains: known curves are found again, and the limit is what it is said to be."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.perception.novelty import OF_THE_LIGHT, novelty
from nightseg_ros.replay.confidence_fit import Evidence
from nightseg_ros.replay.domain_fit import LEAST_FRAMES, fit_domain, known_to

NAMES = (*OF_THE_LIGHT, "upper doubt", "lower doubt")
COUNTS = np.zeros((1, 256, 2), np.int64)


def frame(number: int, *, strange: float = 0.0, **facts) -> Evidence:
    """Return a frame whose features rise with the light, with a spread of 0.3."""
    rng = np.random.default_rng(number)
    light = number % 50 / 49
    values = {name: 2 * light + 0.3 * rng.normal() + strange for name in NAMES}
    facts = {"drive": f"{number % 40}", "data": "set", "time_of_day": "day"} | facts
    return Evidence(illumination=light, counts=COUNTS, features=values, **facts)


@pytest.fixture(scope="module")
def frames():
    return [frame(number) for number in range(800)]


@pytest.fixture(scope="module")
def fitted(frames):
    return fit_domain(frames)


def test_known_curves_are_found_again(fitted):
    assert fitted.features.keys() == set(NAMES)
    for feature in fitted.features.values():
        assert feature.mean == pytest.approx([2 * x for x in fitted.illumination], abs=0.15)
        assert feature.spread == pytest.approx([0.3] * len(feature.spread), abs=0.1)


def test_one_in_a_hundred_new_frames_is_beyond_the_limit(fitted):
    new = [frame(number) for number in range(10_000, 14_000)]
    shares = [
        np.mean([novelty(fitted, only(one, names), one.illumination).value > 1 for one in new])
        for names in (NAMES, OF_THE_LIGHT)
    ]
    assert shares == pytest.approx([0.01, 0.01], abs=0.007)


def test_strange_frames_are_beyond_it(fitted):
    far = [frame(number, strange=1.0) for number in range(200)]
    assert all(novelty(fitted, one.features, one.illumination).value > 1 for one in far)


def test_a_limit_is_not_of_frames_that_were_fitted_on(frames):
    """A drive that is unlike all others raises the limit, though a fit on it would hide it."""
    odd = [frame(number, strange=4.0, drive="odd") for number in range(60)]
    assert fit_domain([*frames, *odd]).limit > 3 * fit_domain(frames).limit


def test_a_day_model_knows_no_night(frames):
    night = [frame(1, time_of_day="night"), frame(2, copy=True)]
    assert known_to([*frames, *night], by_night=False) == frames
    assert known_to([*frames, *night], by_night=True) == [*frames, *night]


def test_few_frames_or_drives_make_no_domain(frames):
    assert fit_domain(frames[: LEAST_FRAMES - 1]) is None
    assert fit_domain([frame(number, drive="one") for number in range(40)]) is None


def test_frames_that_are_all_alike_still_make_one():
    same = [
        Evidence(f"{i}", "set", "day", 0.5, COUNTS, features=dict.fromkeys(NAMES, 1.0))
        for i in range(40)
    ]
    found = fit_domain(same)
    assert novelty(found, same[0].features, 0.5).value < 0.1
    assert found.measured == {"data": ["set"], "frames": 40, "copies": 0}


def only(one: Evidence, names: tuple[str, ...]) -> dict[str, float]:
    return {name: one.features[name] for name in names}
