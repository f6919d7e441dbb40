# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The novelty of frames by hand-made domains, its average, and what route auto makes of it."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from nightseg_ros.bundles.domain import Domain, Feature
from nightseg_ros.engines.fake import FakeEngine
from nightseg_ros.perception.novelty import (
    AVERAGED_S,
    MOST,
    OF_THE_LIGHT,
    REMEMBERED_S,
    features_of_confidence,
    features_of_light,
    is_hazy,
    novelty,
)
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings
from nightseg_ros.perception.routing import RoutingPolicy

SIZE = (24, 32)
RNG = np.random.default_rng(0)
FRAME = RNG.integers(120, 250, (48, 64, 3)).astype(np.uint8)
SURE = np.full(SIZE, 240, np.uint8)


def features(frame: np.ndarray, order: str, sure: np.ndarray) -> dict[str, float]:
    return {**features_of_light(frame, order), **features_of_confidence(sure)}


def domain(frame: np.ndarray = FRAME, sure: np.ndarray = SURE, spread: float = 0.5) -> Domain:
    """Return what a model knows to which frames look like this one, at every light."""
    found = features(frame, "bgr", sure)
    return Domain((0.5,), {name: Feature((x,), (spread,)) for name, x in found.items()}, 1.0, 1.0)


def test_a_frame_at_the_limit_has_novelty_one():
    known = domain()
    found = features(FRAME, "bgr", SURE)
    assert novelty(known, found, 0.9).value == 0.0
    away = {name: value + 0.5 for name, value in found.items()}
    assert novelty(known, away, 0.9).value == pytest.approx(1.0)
    assert novelty(replace(known, limit=2.0), away, 0.9).value == pytest.approx(0.5)
    light = {name: away[name] for name in OF_THE_LIGHT}
    assert novelty(replace(known, light_limit=4.0), light, 0.9).value == pytest.approx(0.25)


def test_mean_and_spread_follow_the_illumination():
    known = Domain((0.2, 0.6), {"contrast": Feature((0.0, 4.0), (1.0, 3.0))}, 1.0, 1.0)
    assert novelty(known, {"contrast": 4.0}, 0.4).value == pytest.approx((4 - 2) / 2)
    assert novelty(known, {"contrast": 4.0}, 0.0).value == pytest.approx(4.0)


def test_it_names_the_feature_that_is_farthest():
    known = domain()
    foggy = np.asarray(200 + (FRAME.astype(float) - 200) * 0.1, np.uint8)
    assert novelty(known, features(foggy, "bgr", SURE), 0.9).mostly in (
        "less contrast",
        "less texture",
    )
    doubtful = features(FRAME, "bgr", np.full(SIZE, 60, np.uint8))
    assert novelty(known, doubtful, 0.9).mostly.startswith("more")
    assert novelty(known, doubtful, 0.9).mostly.endswith("doubt")


def test_a_domain_of_other_features_says_nothing():
    known = Domain((0.5,), {"smell": Feature((0.0,), (1.0,))}, 1.0, 1.0)
    assert novelty(known, features(FRAME, "bgr", SURE), 0.9) == (0.0, "", 0.0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (7, 300), (300, 2)])
def test_frames_of_any_shape_have_features(shape):
    found = features(np.full((*shape, 3), 90, np.uint8), "rgb", np.full(shape, 9, np.uint8))
    assert all(math.isfinite(value) for value in found.values())


def test_features_hardly_depend_on_the_size_of_the_frame():
    large = np.repeat(np.repeat(FRAME, 15, axis=0), 15, axis=1)
    gray = features(large[..., 0], "gray", SURE)
    assert gray.keys() == features(large, "bgr", SURE).keys()
    small = features(FRAME, "bgr", SURE)
    for name, value in features(large, "bgr", np.repeat(SURE, 8, axis=1)).items():
        assert value == pytest.approx(small[name], abs=0.25)


def test_little_contrast_is_haze_in_any_light():
    """And auto says so; darkness as such is none."""
    for light in (1.0, 0.3):
        clear = np.asarray(RNG.integers(5, 250, (48, 64, 1)).repeat(3, axis=2) * light, np.uint8)
        foggy = np.asarray(180 * light + (clear - 180 * light) * 0.1, np.uint8)
        assert not is_hazy(features_of_light(clear, "bgr"))
        assert is_hazy(features_of_light(foggy, "bgr"))
        results = [pipeline().process(frame) for frame in (clear, foggy)]
        assert [x.hazy for x in results] == [False, True]
        assert ["as in fog: the light is uncertain" in x.reason for x in results] == [False, True]
    held = Pipeline({"day": Network(60)}, PipelineSettings(route="day"))
    assert held.process(foggy).reason == "set by parameter"


class Network(FakeEngine):
    """Always equally sure."""

    def __init__(self, sure: int) -> None:
        super().__init__(SIZE)
        self.sure = sure

    def run(self, image):
        return np.ones(SIZE, np.uint8), np.full(SIZE, self.sure, np.uint8)


def pipeline(**domains: Domain) -> Pipeline:
    settings = PipelineSettings(policy=RoutingPolicy(min_dwell_s=0.0))
    return Pipeline({"day": Network(60), "night": Network(240)}, settings, domains=domains)


def drive(running: Pipeline, seconds: float, start_s: float = 0.0) -> list:
    return [running.process(FRAME, now_s=start_s + i / 10) for i in range(int(seconds * 10))]


def test_no_novelty_without_a_domain():
    assert drive(pipeline(), 0.3)[-1].novelty is None


def test_a_drive_outside_warns_after_a_while_and_one_inside_never():
    found = [x.novelty for x in drive(pipeline(day=domain(spread=0.05)), 10.0)]
    assert not found[10].warning  # after a second
    assert found[-1].average > 1.0
    assert "unlike the frames that the model knows: more" in found[-1].warning
    assert all(x.value > MOST for x in found)
    assert found[-1].average < MOST  # a frame counts as that at most
    inside = domain(sure=np.full(SIZE, 60, np.uint8))
    assert not any(x.novelty.warning for x in drive(pipeline(day=inside), 3 * AVERAGED_S))


def test_auto_takes_the_model_that_knows_such_frames():
    running = pipeline(day=domain(spread=0.05), night=domain())
    results = drive(running, 8.0)
    assert [x.route for x in results[:10]] == ["day"] * 10
    assert results[-1].route == "night"
    assert "outside the domain of its model: day" in results[-1].reason
    assert not results[-1].novelty.warning
    again = drive(running, REMEMBERED_S, 8.0)
    assert "day" in {x.route for x in again}  # it is tried again
    assert sum(x.route == "night" for x in again) > 0.9 * len(again)


@pytest.mark.parametrize(
    "night",
    [
        {},  # not known what the night model knows
        {"night": domain(spread=0.05)},  # the same frames
        {"night": domain(FRAME // 8)},  # other light
    ],
)
def test_auto_stays_where_no_other_model_knows_better(night):
    results = drive(pipeline(day=domain(spread=0.05), **night), 8.0)
    assert {x.route for x in results} == {"day"}
    assert results[-1].novelty.warning


def test_two_strange_models_do_not_alternate():
    """Both have been seen to be outside: the light decides again, until the day is forgotten."""
    strange = domain(sure=np.full(SIZE, 20, np.uint8), spread=0.05)
    other = replace(strange, limit=1.01)
    routes = [x.route for x in drive(pipeline(day=strange, night=other), 25.0)]
    changes = sum(a != b for a, b in itertools.pairwise(routes))
    assert changes == 2
    assert routes[-1] == "day"


def test_forgetting_a_camera_forgets_its_average():
    running = pipeline(day=domain(spread=0.05))
    assert drive(running, 10.0)[-1].novelty.warning
    running.forget("")
    assert not running.process(FRAME, now_s=10.0).novelty.warning


def test_a_translated_frame_has_no_novelty():
    engines = {"day": Network(60), "translator": FakeEngine(SIZE, kind="translation")}
    running = Pipeline(
        engines, PipelineSettings(route="translate"), domains={"day": domain(spread=0.05)}
    )
    assert running.process(FRAME).novelty is None
