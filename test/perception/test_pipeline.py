# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A frame's mask is what the engine of its route gives, at the frame's size, and all is logged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support import models as tiny

from nightseg_ros.bundles.choice import choose_bundles
from nightseg_ros.engines.fake import FakeEngine
from nightseg_ros.engines.select import create_engines
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.frame_result import FrameResult
from nightseg_ros.perception.letterbox import Letterbox
from nightseg_ros.perception.pipeline import MAX_GEOMETRIES, Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings
from nightseg_ros.perception.routing import RoutingPolicy

NETWORK = (24, 40)
SIZES = [(720, 1280), (45, 81), (81, 45), (24, 40), (12, 20), (1, 7)]


def frame(height: int = 45, width: int = 81, top: int = 256) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, top, (height, width, 3), np.uint8)


def fakes() -> dict[str, FakeEngine]:
    return {
        "day": FakeEngine(NETWORK, 19),
        "night": FakeEngine(NETWORK, 11),
        "translator": FakeEngine((16, 32), kind="translation"),
    }


def expected_fake(rgb: NDArray[np.uint8], classes: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return mask and confidence by the definition of the fake engine, done step by step."""
    box = Letterbox((rgb.shape[0], rgb.shape[1]), NETWORK)
    image = box.apply(np.ascontiguousarray(rgb), "rgb")
    return box.undo(image[..., 1] // 8 % classes), box.undo(np.ascontiguousarray(image[..., 0]))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("route", "classes"), [("day", 19), ("night", 11)])
def test_mask_and_confidence_are_those_of_the_routes_engine(
    size: tuple[int, int], route: str, classes: int
) -> None:
    image = frame(*size)
    pipeline = Pipeline(fakes(), PipelineSettings(route=route))
    result = pipeline.process(image, "bgr", want_confidence=True)
    mask, confidence = expected_fake(image[..., ::-1], classes)
    assert np.array_equal(result.mask, mask)
    assert result.confidence is not None
    assert np.array_equal(result.confidence, confidence)
    assert result.route == route


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_translate_route_runs_the_translator_and_then_the_day_engine(
    size: tuple[int, int],
) -> None:
    image = frame(*size, top=200)
    pipeline = Pipeline(fakes(), PipelineSettings(route="translate"))
    result = pipeline.process(image, "rgb")
    outer, inner = Letterbox(size, (16, 32)), Letterbox(size, NETWORK)
    (translated,) = FakeEngine((16, 32), kind="translation").run(outer.apply(image))
    mask, _ = FakeEngine(NETWORK, 19).run(inner.apply(outer.crop(translated)))
    assert np.array_equal(result.mask, inner.undo(mask))


def test_the_fused_route_runs_its_one_engine() -> None:
    image = frame()
    fused = FakeEngine(NETWORK, 7)
    engines = {**fakes(), "fused": fused}
    assert Pipeline(engines).routes == ("day", "night", "translate", "fused")
    result = Pipeline(engines, PipelineSettings(route="fused")).process(image, "bgr")
    mask, _ = expected_fake(image[..., ::-1], 7)
    assert np.array_equal(result.mask, mask)
    assert (result.route, fused.runs) == ("fused", 1)
    assert Pipeline({"fused": fused}).process(image).route == "fused"
    with pytest.raises(NightsegError, match="no models for route fused; the loaded models allow"):
        Pipeline(fakes(), PipelineSettings(route="fused"))


def test_auto_goes_by_the_curve_of_the_fused_route() -> None:
    engines = {**fakes(), "fused": FakeEngine(NETWORK, 7)}
    curves = {"day": ((0.0, 0.4),), "fused": ((0.3, 0.5), (0.5, 0.3))}
    settings = PipelineSettings(policy=RoutingPolicy(quality=curves))
    assert Pipeline(engines, settings).process(frame(top=30)).route == "fused"
    assert Pipeline(engines, settings).process(frame()).route == "day"
    assert Pipeline(engines).process(frame(top=30)).route == "night"


def test_the_bars_stay_black_for_the_day_engine_after_translation() -> None:
    seen: list[NDArray[np.uint8]] = []

    class Watching(FakeEngine):
        def run(self, image: NDArray[np.uint8]) -> Any:
            seen.append(image.copy())
            return super().run(image)

    engines = {"day": Watching(NETWORK), "translator": FakeEngine(NETWORK, kind="translation")}
    Pipeline(engines, PipelineSettings(route="translate")).process(frame(20, 80))
    box = Letterbox((20, 80), NETWORK)
    assert box.top > 0
    assert not seen[0][: box.top].any()
    assert box.crop(seen[0]).min() >= 64


def test_real_networks_give_the_masks_that_numpy_computes(tmp_path: Path) -> None:
    engines = create_engines(choose_bundles(tiny.models_folder(tmp_path)), "onnxruntime-cpu")
    image = frame(tiny.HEIGHT, tiny.WIDTH)
    brighter = np.minimum(image.astype(int) + tiny.BRIGHTER, 255).astype(np.uint8)
    for route, source, seed in (("day", image, 0), ("night", image, 1), ("translate", brighter, 0)):
        result = Pipeline(engines, PipelineSettings(route=route)).process(image, "rgb")
        assert np.array_equal(result.mask, tiny.expected_mask(source, seed=seed))


@pytest.mark.parametrize(
    ("order", "convert"),
    [
        ("rgb", lambda x: x[..., ::-1]),
        ("rgba", lambda x: cv2.cvtColor(x, cv2.COLOR_BGR2RGBA)),
        ("bgra", lambda x: cv2.cvtColor(x, cv2.COLOR_BGR2BGRA)),
    ],
)
def test_the_channel_order_does_not_change_the_result(order: str, convert: Any) -> None:
    image = frame()
    expected = Pipeline(fakes()).process(image, "bgr")
    result = Pipeline(fakes()).process(np.ascontiguousarray(convert(image)), order)
    assert np.array_equal(result.mask, expected.mask)
    assert result.illumination == pytest.approx(expected.illumination)


def test_a_gray_frame_is_one_with_equal_channels() -> None:
    gray = frame()[..., 0].copy()
    expected = Pipeline(fakes()).process(cv2.merge([gray, gray, gray]), "bgr")
    assert np.array_equal(Pipeline(fakes()).process(gray, "gray").mask, expected.mask)


def test_the_frame_stays_untouched_and_earlier_results_stay_as_they_were() -> None:
    pipeline, image = Pipeline(fakes()), frame()
    before = image.copy()
    first = pipeline.process(image)
    kept = first.mask.copy()
    pipeline.process(np.ascontiguousarray(255 - image))
    assert np.array_equal(image, before)
    assert np.array_equal(first.mask, kept)


def test_results_are_written_into_the_buffers_that_are_given() -> None:
    image = frame()
    mask, confidence = np.zeros((45, 81), np.uint8), np.zeros((45, 81), np.uint8)
    fresh = Pipeline(fakes()).process(image, want_confidence=True)
    Pipeline(fakes()).process(image, want_confidence=True, mask_out=mask, confidence_out=confidence)
    assert np.array_equal(mask, fresh.mask)
    assert fresh.confidence is not None
    assert np.array_equal(confidence, fresh.confidence)


def test_a_buffer_of_another_size_is_refused() -> None:
    with pytest.raises(NightsegError, match=r"need uint8 \[45, 81\]"):
        Pipeline(fakes()).process(frame(), mask_out=np.zeros((81, 45), np.uint8))


def test_the_networks_view_is_the_mask_without_its_bars() -> None:
    pipeline = Pipeline(fakes(), PipelineSettings(route="day"))
    result = pipeline.process(frame(20, 80), full_size=False, want_confidence=True)
    box = Letterbox((20, 80), NETWORK)
    mask, _ = FakeEngine(NETWORK, 19).run(box.apply(frame(20, 80), "bgr"))
    assert np.array_equal(result.mask, box.crop(mask))
    assert result.confidence is not None
    inner = Letterbox((20, 80), pipeline.engines["day"].input_size).inner_hw
    assert result.mask.shape == result.confidence.shape == inner


@pytest.mark.parametrize(("threshold", "level"), [(0.0, 0), (0.5, 128), (0.001, 1), (1.0, 255)])
def test_unsure_pixels_become_unlabelled(threshold: float, level: int) -> None:
    image = frame()
    settings = PipelineSettings(route="day", confidence_threshold=threshold)
    result = Pipeline(fakes(), settings).process(image, "bgr", want_confidence=True)
    mask, confidence = expected_fake(image[..., ::-1], 19)
    assert np.array_equal(result.mask, np.where(confidence < level, 255, mask))
    assert np.array_equal(np.asarray(result.confidence), confidence)


def test_auto_follows_the_light_of_each_camera_on_its_own() -> None:
    pipeline = Pipeline(fakes())
    dark, bright = frame(top=30), frame()
    for index in range(40):
        front = pipeline.process(bright, camera="front", now_s=index * 0.1)
        rear = pipeline.process(dark, camera="rear", now_s=index * 0.1)
    assert (front.route, rear.route) == ("day", "night")
    assert front.illumination > 0.5 > rear.illumination
    assert "dark" in rear.reason


def test_a_forgotten_camera_starts_afresh() -> None:
    pipeline = Pipeline(fakes())
    assert pipeline.process(frame(), now_s=0.0).route == "day"
    assert pipeline.process(frame(top=30), now_s=0.1).route == "day"  # the dwell time
    pipeline.forget("")
    assert pipeline.process(frame(top=30), now_s=0.2).route == "night"


def test_a_route_that_proves_too_slow_is_left_and_tried_again_later() -> None:
    engines = fakes()
    engines["night"].delay_s = 0.03
    policy = RoutingPolicy(latency_budget_ms=25.0, latency_retry_s=10.0, min_dwell_s=0.0)
    pipeline = Pipeline(engines, PipelineSettings(policy=policy))
    dark = frame(top=30)
    early = [pipeline.process(dark, now_s=index * 0.1).route for index in range(6)]
    assert early == ["night"] * 5 + ["day"]
    assert "night takes" in pipeline.process(dark, now_s=0.7).reason
    engines["night"].delay_s = 0.0
    assert pipeline.process(dark, now_s=9.9).route == "day"
    assert pipeline.process(dark, now_s=11.0).route == "night"


@pytest.mark.parametrize(
    ("names", "routes"),
    [
        (("day",), ("day",)),
        (("night",), ("night",)),
        (("day", "translator"), ("day", "translate")),
        (("night", "translator"), ("night",)),
        (("translator",), ()),
    ],
)
def test_the_engines_report_which_routes_there_are(
    names: tuple[str, ...], routes: tuple[str, ...]
) -> None:
    engines = {name: engine for name, engine in fakes().items() if name in names}
    if routes:
        assert Pipeline(engines).routes == routes
    else:
        with pytest.raises(NightsegError, match="the loaded models allow none"):
            Pipeline(engines)


def test_settings_that_cannot_be_served_are_refused_and_change_nothing() -> None:
    pipeline = Pipeline({"day": FakeEngine(NETWORK)}, PipelineSettings(route="day"))
    with pytest.raises(NightsegError, match=r"no models for route night; .* allow day"):
        pipeline.settings = PipelineSettings(route="night")
    with pytest.raises(NightsegError, match="no models for route night or translate"):
        pipeline.settings = PipelineSettings(policy=RoutingPolicy(allowed=("night", "translate")))
    assert pipeline.process(frame()).route == "day"


@pytest.mark.parametrize("fields", [{"route": "dusk"}, {"confidence_threshold": 1.5}], ids=str)
def test_settings_that_make_no_sense_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(NightsegError, match="need"):
        PipelineSettings(**fields)


@pytest.mark.parametrize(
    ("image", "order", "reason"),
    [
        (np.zeros((45, 81), np.uint8), "bgr", r"frame is uint8 \[45, 81\], need .*, 3\)"),
        (np.zeros((45, 81, 4), np.uint8), "bgr", r"\[45, 81, 4\]"),
        (np.zeros((45, 81, 3), np.uint8), "gray", r"need uint8 \(height, width\)"),
        (np.zeros((45, 81, 3), np.float32), "bgr", "frame is float32"),
        (np.zeros((0, 81, 3), np.uint8), "bgr", r"\[0, 81, 3\]"),
        (np.zeros((45, 81, 3), np.uint8), "hsv", "channel order 'hsv' is unknown"),
    ],
)
def test_what_is_no_frame_is_refused(image: Any, order: str, reason: str) -> None:
    with pytest.raises(NightsegError, match=reason):
        Pipeline(fakes()).process(image, order)


def test_a_failing_engine_fails_one_frame_only() -> None:
    engines = fakes()
    pipeline = Pipeline(engines, PipelineSettings(route="day"))
    engines["day"].fail_next = 1
    with pytest.raises(NightsegError, match="set to fail"):
        pipeline.process(frame())
    assert pipeline.process(frame()).route == "day"


def test_the_engines_time_is_distinguished_from_the_time_around_it() -> None:
    result = Pipeline(fakes(), PipelineSettings(route="translate")).process(frame())
    assert set(result.times_ms) == {"preprocess", "translate", "inference", "postprocess", "total"}
    assert result.engine_ms == result.times_ms["translate"] + result.times_ms["inference"]
    assert 0.0 < result.engine_ms < result.times_ms["total"]
    assert isinstance(result, FrameResult)


def test_more_geometries_than_are_kept_do_no_harm() -> None:
    pipeline = Pipeline(fakes(), PipelineSettings(route="day"))
    masks = [pipeline.process(frame(10 + i, 20)).mask for i in range(40)]
    for i in (0, 39):
        assert np.array_equal(pipeline.process(frame(10 + i, 20)).mask, masks[i])
    assert len(pipeline._boxes) <= MAX_GEOMETRIES
