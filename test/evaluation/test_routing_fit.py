# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fitting the routing: curves follow the evidence, and auto never loses to a single route."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.routing_fit import (
    Evidence,
    choose,
    darkened,
    fit,
    handicapped,
    judge,
    quality_curves,
)
from nightseg_ros.perception.illumination import estimate_illumination
from nightseg_ros.perception.routing import RoutingPolicy


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
    judged = found.judged
    assert judged.auto > max(judged.single.values()) + 0.05
    assert found.handicap == 0.0
    assert min(judged.routes.values()) > 10
    policy = found.policy
    dark, bright = (Evidence("", "", x, {"day": counts(1), "night": counts(1)}) for x in (0.1, 0.9))
    assert (choose(policy, dark), choose(policy, bright)) == ("night", "day")


def test_auto_never_loses_to_the_best_single_route():
    """Where the winner is mere chance, leaving the best route must be made dear enough."""
    rng = np.random.default_rng(1)
    lucky = fitted_at_zero = 0
    for _ in range(6):
        noise = {}

        def noisy(x, noise=noise):
            return noise.setdefault(("d", x), float(rng.uniform(0.55, 0.75)))

        frames = evidence(noisy, lambda x: float(rng.uniform(0.56, 0.76)), 16)
        found = fit(frames, RoutingPolicy())
        assert found.judged.auto >= found.judged.single[found.judged.best]
        raw = judge(frames, RoutingPolicy(), 0.0)
        fitted_at_zero += found.handicap == 0.0
        lucky += raw.auto >= raw.single[raw.best]
    assert fitted_at_zero == lucky < 6  # without the handicap it does lose


def test_the_best_route_keeps_its_curve():
    curves = {"day": ((0.0, 0.5), (1.0, 0.01)), "night": ((0.0, 0.4),)}
    lowered = handicapped(curves, "night", 0.1)
    assert lowered == {"day": ((0.0, 0.4), (1.0, 0.0)), "night": ((0.0, 0.4),)}


def test_a_copy_is_never_judged_by_its_original():
    """One frame and its copies disagree with all others; alone they would vote themselves right."""
    good, bad = (
        {"day": counts(0.9), "night": counts(0.5)},
        {"day": counts(0.6), "night": counts(0.7)},
    )
    odd = [Evidence(f"odd {i}", "a", 0.5, good) for i in range(31)]
    others = [Evidence(f"b{i}", f"b{i}", 0.5, bad) for i in range(11)]
    assert judge([*odd, *others], RoutingPolicy(), 0.0).routes["night"] >= len(odd)


def test_too_little_evidence_is_refused():
    frames = evidence(lambda x: 0.6, lambda x: 0.7, 8)
    with pytest.raises(NightsegError, match="too few for a curve"):
        judge(frames, RoutingPolicy(), 0.0)
    with pytest.raises(NightsegError, match="cannot be divided"):
        judge([frames[0]] * 9, RoutingPolicy(), 0.0)
    with pytest.raises(NightsegError, match="no labelled frame"):
        fit([], RoutingPolicy())


def test_darkened_copies_are_dark_and_noisy():
    image = np.full((64, 96, 3), 200, np.uint8)
    light = [estimate_illumination(darkened(image, e, 0)) for e in (0.2, 0.06, 0.02)]
    assert light == sorted(light, reverse=True)
    assert light[0] < 0.8
    assert light[-1] < 0.35
    copy = darkened(image, 0.02, 0)
    assert copy.std() > 1
    assert np.array_equal(copy, darkened(image, 0.02, 0))
