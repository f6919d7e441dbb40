# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Calibrated confidences in the pipeline, against the formula pixel by pixel and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nightseg_ros.bundles.calibration import Calibration
from nightseg_ros.engines.fake import FakeEngine
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.calibrated import (
    STEPS,
    ConfidenceTables,
    histogram,
    table,
    threshold_for,
)
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings

SIZE = (24, 32)
SHIFT = tuple((-0.1 * k, 0.2 * k) for k in range(19))
CALIBRATION = Calibration((0.2, 0.8), (2.0, 1.0), SHIFT)


def by_the_formula(label: int, confidence: int, light: float) -> int:
    part = min(1.0, max(0.0, (light - 0.2) / 0.6))
    temperature = 2.0 + part * (1.0 - 2.0)
    shift = SHIFT[label][0] + part * (SHIFT[label][1] - SHIFT[label][0])
    p = (confidence + 0.5) / 256
    return round(255 / (1 + math.exp(-(math.log(p / (1 - p)) / temperature + shift))))


@pytest.mark.parametrize("light", [0.0, 0.1, 0.44, 0.8, 1.0])
def test_every_pixel_gets_what_the_formula_gives(light):
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 19, SIZE).astype(np.uint8)
    confidence = rng.integers(0, 256, SIZE).astype(np.uint8)
    mask[0, 0] = 255
    found = ConfidenceTables(CALIBRATION).apply(mask, confidence, light)
    assert found[0, 0] == 0
    for place in np.ndindex(SIZE):
        if place != (0, 0):
            assert found[place] == by_the_formula(int(mask[place]), int(confidence[place]), light)


def test_a_level_of_light_is_near_its_frames():
    tables = ConfidenceTables(CALIBRATION)
    mask, confidence = np.full(SIZE, 3, np.uint8), np.full(SIZE, 180, np.uint8)
    for light in (0.3, 0.3 + 0.49 / STEPS, math.pi / 10):
        near = int(tables.apply(mask, confidence, light)[0, 0])
        assert abs(near - by_the_formula(3, 180, light)) <= 1


def test_more_confidence_is_never_less_probable():
    for light in (0.0, 0.5, 1.0):
        assert (np.diff(table(CALIBRATION, light)[:19].astype(int), axis=1) >= 0).all()


@given(
    arrays(np.uint8, (3, 4), elements=st.integers(0, 255)),
    st.one_of(st.just(1.0), st.floats(0.001, 1.0)),
)
def test_the_most_pixels_stay_that_keep_the_error(confidence, target):
    least, gone = threshold_for(histogram(confidence), target)
    kept = confidence[confidence >= least]
    assert gone == pytest.approx(1 - kept.size / confidence.size)
    if kept.size:
        assert (1 - kept / 255).mean() <= target + 1e-9
    below = confidence[confidence < least]
    if below.size:  # one step further, the error would be too large
        more = confidence[confidence >= below.max()]
        assert (1 - more / 255).mean() > target - 1e-9


class Sure(FakeEngine):
    """Class 1 in the left half and 2 in the right, with confidences of its own."""

    def run(self, image):
        mask = np.ones(SIZE, np.uint8)
        mask[:, SIZE[1] // 2 :] = 2
        return mask, np.full(SIZE, 200, np.uint8)


FRAME = np.full((*SIZE, 3), 200, np.uint8)


def pipeline(target: float = 0.0, **facts) -> Pipeline:
    settings = PipelineSettings(route="day", target_error=target)
    return Pipeline({"day": Sure(SIZE)}, settings, **facts)


def test_the_pipeline_publishes_probabilities_where_a_model_is_calibrated():
    plain = pipeline().process(FRAME, want_confidence=True)
    assert plain.confidence is not None
    assert (plain.confidence == 200).all()
    assert plain.withheld is None
    result = pipeline(calibrations={"day": CALIBRATION}).process(FRAME, want_confidence=True)
    expected = [by_the_formula(k, 200, result.illumination) for k in (1, 2)]
    assert result.confidence is not None
    assert np.unique(result.confidence).tolist() == sorted(expected)
    assert np.array_equal(result.mask, plain.mask)


def test_what_must_go_for_the_target_error_goes():
    lower = Calibration((0.5,), (1.0,), tuple((-2.0,) if k == 2 else (2.0,) for k in range(19)))
    result = pipeline(0.1, calibrations={"day": lower}).process(FRAME)
    assert result.withheld == 0.5
    assert (result.mask[:, : SIZE[1] // 2] == 1).all()
    assert (result.mask[:, SIZE[1] // 2 :] == 255).all()
    assert pipeline(1.0, calibrations={"day": lower}).process(FRAME).withheld == 0.0
    nothing = pipeline(0.001, calibrations={"day": lower}).process(FRAME)
    assert (nothing.withheld, set(nothing.mask.ravel())) == (1.0, {255})


def test_the_bars_around_a_frame_do_not_count():
    tall = np.full((4 * SIZE[0], SIZE[1], 3), 200, np.uint8)  # the view is a quarter of the width
    lower = Calibration((0.5,), (1.0,), tuple((-2.0,) if k == 2 else (2.0,) for k in range(19)))
    result = pipeline(0.1, calibrations={"day": lower}).process(tall)
    assert result.withheld == pytest.approx((result.mask == 255).mean())
    assert result.withheld == 0.5


def test_a_target_error_needs_calibrated_models():
    with pytest.raises(NightsegError, match=r"the day model is not; run `nightseg calibrate`"):
        pipeline(0.1)
    with pytest.raises(NightsegError, match="target_error is 2, need 0 to 1"):
        PipelineSettings(target_error=2)
    engines = {"day": Sure(SIZE), "night": Sure(SIZE)}
    some = Pipeline(engines, calibrations={"day": CALIBRATION})
    some.settings = PipelineSettings(route="day", target_error=0.1)
    with pytest.raises(NightsegError, match="the night model"):
        some.settings = PipelineSettings(route="auto", target_error=0.1)
