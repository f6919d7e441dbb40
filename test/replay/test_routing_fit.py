# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fitting the routing: curves follow the evidence, and what is reported was not fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.illumination import estimate_illumination
from nightseg_ros.perception.routing import RoutingPolicy
from nightseg_ros.replay import routing_fit
from nightseg_ros.replay.routing_fit import (
    Evidence,
    auto_quality,
    best_single,
    choose,
    choose_handicap,
    cross_validate,
    darkened,
    fit,
    folds,
    handicapped,
    quality_curves,
)


def counts(right: float) -> np.ndarray:
    """Two classes, of each 1000 pixels, of which the share `right` is right."""
    hits = round(1000 * right)
    return np.array([[hits, 1000 - hits, 0], [1000 - hits, hits, 0]])


def evidence(day, night, number=40):
    """Frames from dark to bright; `day` and `night` give the share that is right in a light."""
    lights = np.linspace(0.02, 0.98, number)
    return [
        Evidence(f"{i}", f"{i}", float(x), {"day": counts(day(x)), "night": counts(night(x))})
        for i, x in enumerate(lights)
    ]


def test_the_curves_follow_what_was_measured():
    curves = quality_curves(evidence(lambda x: 0.5 + 0.4 * x, lambda x: 0.8))
    day, night = dict(curves["day"]), dict(curves["night"])
    assert night[0.5] == pytest.approx(0.8 / 1.2, abs=1e-3)  # IoU = right / (2 - right)
    assert day[0.5] == pytest.approx(0.7 / 1.3, abs=0.02)
    assert day[0.1] < day[0.5] < day[0.9]


def test_levels_without_frames_get_no_point():
    dark = [one for one in evidence(lambda x: 0.5, lambda x: 0.6) if one.illumination < 0.3]
    assert max(x for x, _ in quality_curves(dark)["day"]) < 0.5


def test_auto_beats_both_where_they_cross():
    found = fit(evidence(lambda x: 0.4 + 0.5 * x, lambda x: 0.9 - 0.5 * x), RoutingPolicy())
    judged = found.evaluation
    assert judged.auto > max(judged.single.values()) + 0.05
    assert found.handicap == 0.0
    assert min(judged.routes.values()) > 10
    policy = found.policy
    dark, bright = (Evidence("", "", x, {"day": counts(1), "night": counts(1)}) for x in (0.1, 0.9))
    assert (choose(policy, dark), choose(policy, bright)) == ("night", "day")


def noise(seed, number=16):
    """Frames whose better route is random."""
    rng = np.random.default_rng(seed)
    return evidence(
        lambda x: float(rng.uniform(0.55, 0.75)), lambda x: float(rng.uniform(0.56, 0.76)), number
    )


def test_where_the_winner_is_random_leaving_the_best_route_is_made_dear_enough():
    handicaps = []
    for seed in range(6):
        frames = noise(seed)
        best, single = best_single(frames)
        parts = [(quality_curves(known), held) for known, held in folds(frames)]
        handicaps.append(choose_handicap(frames, RoutingPolicy()))
        assert auto_quality(parts, best, RoutingPolicy(), handicaps[-1]) >= single[best]
    assert max(handicaps) > 0.0


def test_no_frame_is_judged_by_a_handicap_that_it_helped_to_choose(monkeypatch):
    chosen_on, judged = [], []

    def handicap_of(known, base):
        chosen_on.append({one.origin for one in known})
        return 0.0

    def route_of(policy, one):
        judged.append((one.origin, len(chosen_on)))
        return "day"

    monkeypatch.setattr(routing_fit, "choose_handicap", handicap_of)
    monkeypatch.setattr(routing_fit, "choose", route_of)
    frames = noise(0)
    cross_validate(frames, RoutingPolicy())
    assert len(chosen_on) == 4
    assert sorted(origin for origin, _ in judged) == sorted(one.origin for one in frames)
    assert all(origin not in chosen_on[fold - 1] for origin, fold in judged)


def test_what_is_reported_is_no_better_than_random_where_all_is_random():
    """Chosen and judged on the same folds, auto was never reported below the best route."""
    gains = []
    for seed in range(20):
        judged = fit(noise(seed), RoutingPolicy()).evaluation
        gains.append(judged.auto - max(judged.single.values()))
    assert min(gains) < 0.0
    assert np.mean(gains) < 0.002


def test_the_best_route_keeps_its_curve():
    curves = {"day": ((0.0, 0.5), (1.0, 0.01)), "night": ((0.0, 0.4),)}
    lowered = handicapped(curves, "night", 0.1)
    assert lowered == {"day": ((0.0, 0.4), (1.0, 0.0)), "night": ((0.0, 0.4),)}


def test_a_frame_and_its_copies_stay_together():
    frames = [
        Evidence(f"{i} {copy}", f"{i}", 0.5, {"day": counts(0.9)})
        for i in range(11)
        for copy in range(3)
    ]
    held_out = []
    for known, held in folds(frames):
        origins = {one.origin for one in held}
        assert not origins & {one.origin for one in known}
        assert len(held) == 3 * len(origins)
        held_out += held
    assert sorted(one.name for one in held_out) == sorted(one.name for one in frames)


def test_too_little_evidence_is_refused():
    frames = evidence(lambda x: 0.6, lambda x: 0.7, 8)
    with pytest.raises(NightsegError, match="too few for a curve"):
        fit(frames, RoutingPolicy())
    with pytest.raises(NightsegError, match="1 frames are too few to divide; give 6 or more"):
        fit([frames[0]] * 9, RoutingPolicy())
    with pytest.raises(NightsegError, match="no labelled frame"):
        fit([], RoutingPolicy())


def test_darkened_copies_are_dark_and_noisy():
    image = np.full((64, 96, 3), 200, np.uint8)
    light = [estimate_illumination(darkened(image, e, 0)) for e in (0.2, 0.06, 0.02)]
    assert light == sorted(light, reverse=True)
    assert light[0] < 0.9
    assert light[-1] < RoutingPolicy.dark_below
    assert light[-1] < 0.35
    copy = darkened(image, 0.02, 0)
    assert copy.std() > 1
    assert np.array_equal(copy, darkened(image, 0.02, 0))
