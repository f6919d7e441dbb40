# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A frame whose route fails goes to the next one at once, and the route comes back by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nightseg_ros.engines.fake import FakeEngine
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings
from nightseg_ros.perception.route_guard import Backoff, RouteGuard
from nightseg_ros.perception.routing import RoutingPolicy

SIZE = (24, 40)
BRIGHT = np.random.default_rng(3).integers(0, 256, (45, 81, 3), np.uint8)
DARK = BRIGHT // 30


class Subject:
    """A guarded pipeline on fakes, and the clock of its guard."""

    def __init__(self, *roles: str, **settings: Any) -> None:
        self.now_s = 0.0
        self.engines = {
            role: FakeEngine(SIZE, kind="translation" if role == "translator" else "segmentation")
            for role in roles or ("day", "night", "translator")
        }
        guard = RouteGuard(clock=lambda: self.now_s)
        self.pipeline = Pipeline(
            self.engines, PipelineSettings(**settings), guard=guard, classes=19
        )

    def __call__(self, image: NDArray[np.uint8] = BRIGHT) -> Any:
        return self.pipeline.process(image, now_s=self.now_s)


def test_the_same_frame_is_segmented_by_the_next_route() -> None:
    subject = Subject()
    expected = Pipeline(Subject().engines, PipelineSettings(route="night")).process(BRIGHT).mask
    subject.engines["day"].fail_next = 1
    result = subject()
    assert result.route == "night"
    assert np.array_equal(result.mask, expected)
    (event,) = result.events
    assert event.startswith(
        "route day failed and is paused for 1 s: the fake engine was set to fail"
    )


def test_a_route_that_failed_rests_and_comes_back() -> None:
    subject = Subject(policy=RoutingPolicy(min_dwell_s=0.0))
    subject.engines["day"].fail_next = 1
    subject()
    runs = subject.engines["day"].runs
    subject.now_s = 0.9
    result = subject()
    assert (result.route, subject.engines["day"].runs) == ("night", runs)
    assert result.events == ()
    assert "day is paused for 0.1 s after a failure" in result.left_out
    assert result.left_out in result.reason
    subject.now_s = 1.1
    result = subject()
    assert (result.route, result.left_out) == ("day", "")
    assert result.events == ("route day works again",)
    assert subject().events == ()


def test_pauses_grow_and_are_short_again_after_a_good_time() -> None:
    subject = Subject(policy=RoutingPolicy(min_dwell_s=0.0))
    subject.engines["day"].fail_next = 3
    pauses = []
    for _ in range(3):
        (event,) = subject().events
        pauses.append(event.partition("is paused for ")[2].partition(" s:")[0])
        subject.now_s += float(pauses[-1]) + 0.01
    assert pauses == ["1", "2", "4"]
    assert subject().events == ("route day works again",)
    subject.now_s += 5.0
    subject.engines["day"].fail_next = 1
    assert "is paused for 1 s" in subject().events[0]


def test_pauses_have_a_limit_and_a_short_recovery_does_not_shorten_them() -> None:
    pauses = Backoff(1.0, 60.0)
    now_s, found = 0.0, []
    for _ in range(10):
        found.append(pauses.failed(now_s))
        now_s += found[-1]
        pauses.worked(now_s)
        now_s += 0.5
    assert found == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0]
    assert pauses.failed(now_s + 61.0) == 1.0


def test_an_ordered_route_gives_way_too_but_only_to_routes_that_are_allowed() -> None:
    subject = Subject(route="night", policy=RoutingPolicy(allowed=("night", "translate")))
    subject.engines["night"].fail_next = 1
    assert subject().route == "translate"
    subject.now_s = 1.1
    result = subject()
    assert (result.route, result.reason) == ("night", "set by parameter")


def test_the_only_route_is_tried_again_with_the_next_frame() -> None:
    """Recovery within two frames: there is nothing to wait for."""
    subject = Subject("night", route="night")
    subject.engines["night"].fail_next = 1
    with pytest.raises(NightsegError, match="set to fail"):
        subject()
    assert subject().route == "night"


def test_where_all_routes_fail_each_is_named_and_the_next_frame_tries_all() -> None:
    subject = Subject("day", "night", policy=RoutingPolicy(min_dwell_s=0.0))
    for engine in subject.engines.values():
        engine.fail_next = 1
    subject.engines["night"].failure = RuntimeError("CUDA error 700")
    with pytest.raises(NightsegError, match=r"^day: the fake .*; night: RuntimeError: CUDA error"):
        subject()
    assert subject().route == "day"


def test_a_failing_translator_leaves_the_day_route() -> None:
    subject = Subject("day", "translator")
    subject.engines["translator"].fail_next = 1
    assert subject(DARK).route == "day"


class Broken(FakeEngine):
    """Gives what `spoil` makes of the maps."""

    def __init__(self, spoil: Any) -> None:
        super().__init__(SIZE)
        self.spoil = spoil

    def run(self, image: NDArray[np.uint8]) -> Any:
        return self.spoil(*super().run(image))


SPOILT = {
    "shape": (lambda m, c: (m[:-1], c), r"returned uint8 \[23, 40\], uint8 \[24, 40\] instead of"),
    "type": (lambda m, c: (m.astype(np.int64), c), r"returned int64 \[24, 40\]"),
    "nan": (lambda m, c: (m, np.full(c.shape, np.nan, np.float32)), "float32"),
    "number": (lambda m, c: (m,), r"returned uint8 \[24, 40\] instead"),
    "nothing": (lambda m, c: (), "returned nothing instead"),
    "ids": (
        lambda m, c: (m + np.uint8(19), c),
        "class id 3[0-9] in 'mask', but there are 19 classes",
    ),
    "broken numbers": (lambda m, c: (m * 0, c * 0), "confidence 0 for the whole image"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_not_a_mask_is_not_taken_for_one(name: str) -> None:
    spoil, words = SPOILT[name]
    subject = Subject()
    engines = {**subject.engines, "day": Broken(spoil)}
    guarded = Pipeline(engines, PipelineSettings(), guard=RouteGuard(), classes=19)
    assert guarded.process(BRIGHT).route == "night"
    with pytest.raises(NightsegError, match=words):
        Pipeline(engines, PipelineSettings(route="day"), classes=19).process(BRIGHT)


def test_a_translation_of_a_wrong_shape_is_refused() -> None:
    engines = {**Subject().engines, "translator": FakeEngine(SIZE)}
    with pytest.raises(NightsegError, match="the translator engine returned"):
        Pipeline(engines, PipelineSettings(route="translate")).process(BRIGHT)


@pytest.mark.parametrize("level", [0, 200])
def test_unlabelled_pixels_and_plain_images_are_no_fault(level: int) -> None:
    """255 is no class id, and the picture of a lens cap has one class and no confidence."""
    plain = np.full((45, 81, 3), level, np.uint8)
    engines = {"day": Broken(lambda m, c: (m | np.uint8(255), c))}
    result = Pipeline(engines, PipelineSettings(route="day"), classes=19).process(plain)
    assert (result.mask == 255).all()
    assert Pipeline({"day": FakeEngine(SIZE)}, PipelineSettings(route="day")).process(plain)
