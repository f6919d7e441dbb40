# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The routing file: what is written is what auto goes by, and damage is named."""

from __future__ import annotations

import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.routing import Router, RoutingPolicy, with_routing, write_routing

CURVES = {"day": ((0.1, 0.2), (0.9, 0.6)), "night": ((0.1, 0.5), (0.9, 0.3))}


def test_a_written_policy_comes_back_and_chooses(tmp_path):
    path = tmp_path / "routing.yaml"
    write_routing(
        path, RoutingPolicy(quality=CURVES, quality_margin=0.01), {"costs_ms": {"day": 3.0}}
    )
    base = RoutingPolicy(min_dwell_s=5.0, allowed=("day", "night"))
    policy = with_routing(base, path)
    assert policy.quality == CURVES
    assert (policy.quality_margin, policy.min_dwell_s) == (0.01, 5.0)
    assert policy.allowed == ("day", "night")
    for light, route in ((0.1, "night"), (0.9, "day")):
        assert Router(policy, ("day", "night")).choose(light, 0.0).route == route


def test_a_policy_without_curves_is_not_written(tmp_path):
    with pytest.raises(NightsegError, match="nothing to write"):
        write_routing(tmp_path / "a.yaml", RoutingPolicy(), {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format: 2\nquality: {day: [[0.1, 0.2]]}", "format 2"),
        ("format: 1\nqualty: {}", "unknown key qualty"),
        ("format: 1\nquality: {}", "quality is {}"),
        ("format: 1\nquality: {day: [[0.1, 1.2]]}", "not a list of"),
        ("format: 1\nquality: {day: 7}", "not a list of"),
        ("format: 1\nquality: {day: [[0.1, .nan]]}", "not a list of"),
        ("format: 1\nquality: {day: [[0.5, 0.2], [0.1, 0.2]]}", "must increase"),
        ("format: 1\nquality: {dusk: [[0.5, 0.2]]}", "not dusk"),
    ],
)
def test_damage_is_named(tmp_path, text, message):
    path = tmp_path / "routing.yaml"
    path.write_text(text)
    with pytest.raises(NightsegError, match=message) as caught:
        with_routing(RoutingPolicy(), path)
    assert str(path) in str(caught.value)
