# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The route follows the light, without flicker, within what is allowed and within the budget."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightseg_ros.bundles.routes import ROUTES
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.routing import Router, RoutingPolicy

DARK, BRIGHT, BETWEEN = 0.1, 0.9, 0.465
LIGHT = st.floats(0.0, 1.0)
SUBSETS = [
    subset
    for size in (1, 2, 3)
    for subset in itertools.combinations(ROUTES, size)
    if "day" in subset or "night" in subset
]


def drive(router: Router, lights: list[float], step_s: float = 0.1, start_s: float = 0.0) -> str:
    """Show `router` a row of illuminations and return its last route."""
    route = ""
    for index, light in enumerate(lights):
        route = router.choose(light, start_s + index * step_s).route
    return route


@pytest.mark.parametrize(
    ("light", "available", "route"),
    [
        (BRIGHT, ("day", "night", "translate"), "day"),
        (DARK, ("day", "night", "translate"), "night"),
        (DARK, ("day", "translate"), "day"),
        (DARK, ("day",), "day"),
        (BRIGHT, ("night",), "night"),
        (math.nan, ("day", "night"), "day"),
    ],
)
def test_the_first_frame_gets_the_best_route_there_is(
    light: float, available: tuple[str, ...], route: str
) -> None:
    assert Router(RoutingPolicy(), available).choose(light, 5.0).route == route


def test_between_the_thresholds_the_past_decides() -> None:
    for past, route in ((DARK, "night"), (BRIGHT, "day")):
        router = Router(RoutingPolicy(), ROUTES)
        assert drive(router, [past] * 50 + [BETWEEN] * 100) == route


def test_a_tunnel_is_followed_immediately_and_left_after_the_dwell_time() -> None:
    router = Router(RoutingPolicy(smoothing_s=0.0, min_dwell_s=2.0), ROUTES)
    drive(router, [BRIGHT] * 30)
    assert router.choose(DARK, 3.0).route == "night"
    choice = router.choose(BRIGHT, 4.0)
    assert choice.route == "night"
    assert choice.reason.startswith("day in 1.0 s")
    assert router.choose(BRIGHT, 5.01).route == "day"


def test_a_route_outside_its_domain_is_left_after_the_dwell_time_if_another_is_not() -> None:
    router = Router(RoutingPolicy(min_dwell_s=2.0), ("day", "night"))
    assert router.choose(BRIGHT, 0.0).route == "day"
    choice = router.choose(BRIGHT, 1.0, outside={"day"})
    assert choice.route == "day"
    assert choice.reason.startswith("night in 1.0 s")
    choice = router.choose(BRIGHT, 2.1, outside={"day"})
    assert choice == ("night", choice.reason)
    assert choice.reason.endswith("outside the domain of its model: day")
    assert router.choose(BRIGHT, 5.0, outside={"day", "night"}).route == "day"


def test_the_budget_counts_before_the_domain() -> None:
    router = Router(RoutingPolicy(latency_budget_ms=50.0), ("day", "night"))
    late = {"day": 20.0, "night": 90.0}
    assert router.choose(BRIGHT, 0.0, late, outside={"day"}).route == "day"


def test_one_flash_of_a_lamp_changes_nothing() -> None:
    router = Router(RoutingPolicy(smoothing_s=0.3, min_dwell_s=0.0), ROUTES)
    lights = [DARK] * 30 + [1.0] + [DARK] * 5
    routes = {router.choose(light, index * 0.033).route for index, light in enumerate(lights)}
    assert routes == {"night"}


@settings(deadline=None)
@given(
    steps=st.lists(st.tuples(st.floats(0.001, 1.5), LIGHT), min_size=2, max_size=60),
    dwell_s=st.floats(0.0, 5.0),
    smoothing_s=st.sampled_from([0.0, 0.3]),
    available=st.sampled_from(SUBSETS),
    allowed=st.sampled_from(SUBSETS),
)
def test_it_never_flickers_and_never_leaves_what_is_allowed(
    steps: list[tuple[float, float]],
    dwell_s: float,
    smoothing_s: float,
    available: tuple[str, ...],
    allowed: tuple[str, ...],
) -> None:
    policy = RoutingPolicy(min_dwell_s=dwell_s, smoothing_s=smoothing_s, allowed=allowed)
    router = Router(policy, available)
    if not set(allowed) & set(available):
        with pytest.raises(NightsegError, match="none of the allowed routes"):
            router.choose(BRIGHT, 0.0)
        return
    now_s, changes, last = 100.0, [], None
    for elapsed_s, light in steps:
        now_s += elapsed_s
        choice = router.choose(light, now_s)
        assert choice.route in set(allowed) & set(available)
        assert choice.reason
        if choice.route != last:
            changes.append(now_s)
            last = choice.route
    gaps = [later - earlier for earlier, later in itertools.pairwise(changes)]
    assert all(gap >= dwell_s - 1e-6 for gap in gaps)


@settings(deadline=None)
@given(
    past=st.lists(LIGHT, max_size=30),
    light=LIGHT.filter(lambda x: x < 0.42 or x > 0.51),
    dwell_s=st.floats(0.0, 5.0),
)
def test_it_settles_on_the_route_of_a_steady_light(
    past: list[float], light: float, dwell_s: float
) -> None:
    router = Router(RoutingPolicy(min_dwell_s=dwell_s), ROUTES)
    drive(router, past)
    # Long enough for the dwell time and for the smoothing to forget the past.
    steady = [light] * int((dwell_s + 5.0) / 0.1)
    assert drive(router, steady, start_s=len(past) * 0.1) == ("night" if light < 0.42 else "day")


@settings(deadline=None)
@given(
    steps=st.lists(st.tuples(st.floats(-50.0, 2.0), LIGHT), max_size=40),
    light=st.sampled_from([DARK, BRIGHT]),
)
def test_a_clock_that_is_set_back_does_not_leave_it_stuck(
    steps: list[tuple[float, float]], light: float
) -> None:
    router, now_s = Router(RoutingPolicy(min_dwell_s=2.0), ROUTES), 1000.0
    for elapsed_s, some_light in steps:
        now_s += elapsed_s
        router.choose(some_light, now_s)
    now_s -= 500.0
    assert drive(router, [light] * 60, start_s=now_s) == ("night" if light == DARK else "day")


@settings(deadline=None)
@given(
    steps=st.lists(
        st.tuples(LIGHT, st.dictionaries(st.sampled_from(ROUTES), st.floats(1.0, 200.0))),
        min_size=1,
        max_size=40,
    ),
    available=st.sampled_from(SUBSETS),
)
def test_a_route_over_the_budget_is_never_taken_while_another_keeps_it(
    steps: list[tuple[float, dict[str, float]]], available: tuple[str, ...]
) -> None:
    router = Router(RoutingPolicy(latency_budget_ms=100.0), available)
    for index, (light, latencies) in enumerate(steps):
        route = router.choose(light, index * 0.1, latencies).route
        # Without a curve the route fused, which costs most, is none that auto may turn to.
        others = [other for other in available if other != "fused"] or available
        if any(latencies.get(other, 0.0) <= 100.0 for other in others):
            assert latencies.get(route, 0.0) <= 100.0


def test_the_budget_is_reported_and_without_hope_the_fastest_serves() -> None:
    router = Router(RoutingPolicy(latency_budget_ms=50.0), ROUTES)
    choice = router.choose(DARK, 0.0, {"night": 60.0})
    assert choice.route == "day"
    assert choice.reason.endswith("over the budget of 50 ms: night takes 60 ms")
    latencies = {"day": 80.0, "night": 60.0, "translate": 200.0}
    assert router.choose(DARK, 10.0, latencies).route == "night"


def test_a_route_that_was_ordered_is_where_auto_starts_from() -> None:
    router = Router(RoutingPolicy(smoothing_s=0.0, min_dwell_s=2.0), ROUTES)
    assert router.hold("translate", 10.0) == ("translate", "set by parameter")
    assert router.choose(BRIGHT, 11.0).route == "translate"
    assert router.choose(BRIGHT, 12.5).route == "day"


def test_an_order_does_not_count_as_light() -> None:
    for ordered, light, route in (("day", 0.44, "night"), ("night", 0.49, "day")):
        router = Router(RoutingPolicy(min_dwell_s=0.0), ROUTES)
        router.hold(ordered, 0.0)
        assert router.choose(light, 1.0).route == route


@settings(deadline=None)
@given(
    light=LIGHT,
    available=st.sampled_from([routes for routes in SUBSETS if "fused" in routes]),
    latencies=st.dictionaries(st.sampled_from(ROUTES), st.floats(1.0, 200.0)),
    known=st.booleans(),
)
def test_auto_takes_fused_by_its_curve_or_where_nothing_else_is_left(
    light: float, available: tuple[str, ...], latencies: dict[str, float], known: bool
) -> None:
    quality = {"day": ((0.0, 0.4),), "night": ((0.0, 0.4),)} if known else None
    policy = RoutingPolicy(latency_budget_ms=100.0, quality=quality)
    alone = available == ("fused",)
    assert (Router(policy, available).choose(light, 0.0, latencies).route == "fused") == alone
    proven = RoutingPolicy(quality={"night": ((0.0, 0.4),), "fused": ((0.2, 0.1), (0.8, 0.9))})
    chosen = Router(proven, available).choose(light, 0.0).route
    assert (chosen == "fused") == (0.1 + 0.8 * (min(max(light, 0.2), 0.8) - 0.2) / 0.6 > 0.4
                                   or "night" not in available)  # fmt: skip


CURVES = {
    "day": ((0.2, 0.2), (0.8, 0.7)),
    "night": ((0.2, 0.5), (0.8, 0.5)),
    "translate": ((0.3, 0.1), (0.5, 0.1)),
}


@pytest.mark.parametrize(
    ("light", "route"), [(0.0, "night"), (0.2, "night"), (0.8, "day"), (1.0, "day")]
)
def test_quality_curves_replace_the_thresholds(light: float, route: str) -> None:
    policy = RoutingPolicy(quality=CURVES, dark_below=0.0, bright_above=0.0)
    choice = Router(policy, ROUTES).choose(light, 0.0)
    assert choice.route == route
    assert choice.reason.startswith("quality 0.")


def test_a_small_lead_in_quality_is_no_reason_to_change() -> None:
    policy = RoutingPolicy(quality=CURVES, quality_margin=0.05, smoothing_s=0.0, min_dwell_s=0.0)
    router = Router(policy, ROUTES)
    equal = 0.2 + 0.6 * (0.5 - 0.2) / (0.7 - 0.2)  # where day and night are as good
    near = 0.6 * 0.04 / 0.5  # a lead of 0.04
    assert router.choose(0.2, 0.0).route == "night"
    assert router.choose(equal + near, 1.0).route == "night"
    assert router.choose(equal + 2 * near, 2.0).route == "day"
    assert router.choose(equal - near, 3.0).route == "day"
    assert router.choose(equal - 2 * near, 4.0).route == "night"


def test_a_route_without_a_curve_is_not_preferred_to_one_with() -> None:
    policy = RoutingPolicy(quality={"day": ((0.0, 0.1),)})
    assert Router(policy, ROUTES).choose(DARK, 0.0).route == "day"
    # ... but it serves when none of the routes at hand has a curve.
    assert Router(policy, ("night",)).choose(DARK, 0.0).route == "night"


@pytest.mark.parametrize(
    "fields",
    [
        {"dark_below": 0.6, "bright_above": 0.5},
        {"bright_above": 1.2},
        {"dark_below": math.nan},
        {"min_dwell_s": -1.0},
        {"latency_budget_ms": math.inf},
        {"allowed": ()},
        {"allowed": ("day", "dusk")},
        {"quality": {"dusk": ((0.0, 1.0),)}},
        {"quality": {"day": ()}},
        {"quality": {"day": ((0.5, 1.0), (0.2, 1.0))}},
    ],
    ids=str,
)
def test_a_policy_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(NightsegError):
        RoutingPolicy(**fields)
