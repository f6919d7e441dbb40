# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The way of an image through a TensorRT engine, on a GPU that only keeps account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import models as tiny
from support.tensorrt import FakeDriver, FakeTensorRt

from nightseg_ros.engines.cache.store import EngineCache
from nightseg_ros.engines.engine import warm_up
from nightseg_ros.engines.tensorrt import cuda_driver
from nightseg_ros.engines.tensorrt import engine as tensorrt_engine
from nightseg_ros.engines.tensorrt.cuda_driver import Gpu, find_gpu, why_no_gpu
from nightseg_ros.engines.tensorrt.engine import TensorRtEngine
from nightseg_ros.engines.tensorrt.library import PORTABLE, RTX, TENSORRT, Library, load_library
from nightseg_ros.errors import NightsegError

IMAGE = np.random.default_rng(5).integers(0, 256, (tiny.HEIGHT, tiny.WIDTH, 3), np.uint8)


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    made = FakeDriver()
    monkeypatch.setattr(cuda_driver, "load_driver", lambda: made)
    return made


def use(monkeypatch: pytest.MonkeyPatch, trt: FakeTensorRt, kind: str = TENSORRT) -> FakeTensorRt:
    monkeypatch.setattr(tensorrt_engine, "load_library", lambda: Library(trt, kind))
    return trt


@pytest.fixture
def trt(driver: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> FakeTensorRt:
    return use(monkeypatch, FakeTensorRt(driver, "10.9.0.34"))


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


def make(tmp_path: Path, cache: EngineCache, **options: Any) -> TensorRtEngine:
    bundle = tiny.segmenter(tmp_path / "net")
    return TensorRtEngine(bundle, **{"allow_build": True, "cache": cache, **options})


def test_every_pixel_comes_back_from_one_launch(
    tmp_path: Path, driver: FakeDriver, trt: FakeTensorRt, cache: EngineCache
) -> None:
    engine = make(tmp_path, cache)
    launches, calls = driver.launches, len(driver.calls)
    mask, confidence = engine.run(IMAGE)
    assert np.array_equal(mask, tiny.expected_mask(IMAGE))
    assert np.array_equal(confidence, IMAGE[..., 1])
    assert driver.launches == launches + 1
    assert driver.calls[calls:] == ["cuGraphLaunch", "cuStreamSynchronize"]
    engine.run(255 - IMAGE)
    assert np.array_equal(mask, tiny.expected_mask(IMAGE))  # the caller's own
    engine.close()
    engine.close()
    assert mask.sum() == tiny.expected_mask(IMAGE).sum()
    assert driver.clean
    with pytest.raises(NightsegError, match="closed"):
        engine.run(IMAGE)


def test_it_reports_what_it_runs_on(tmp_path: Path, trt: FakeTensorRt, cache: EngineCache) -> None:
    info = make(tmp_path, cache).info
    assert (info.backend, info.provider) == ("tensorrt", "TensorRT 10.9.0.34")
    assert (info.device, info.precision) == ("cuda:0 Fake L4 sm89", "tf32")
    assert info.fallback_reason == ""


def test_a_translator_runs_too(tmp_path: Path, trt: FakeTensorRt, cache: EngineCache) -> None:
    bundle = tiny.translator(tmp_path / "net")
    engine = TensorRtEngine(bundle, allow_build=True, cache=cache)
    warm_up(engine, bundle)
    assert np.array_equal(engine.run(IMAGE)[0], np.minimum(IMAGE.astype(int) + 64, 255))


def test_several_images_immediately(tmp_path: Path, trt: FakeTensorRt, cache: EngineCache) -> None:
    import onnx

    model = onnx.load_from_string(tiny.segmenter_onnx())
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    bundle = tiny.segmenter(tmp_path / "net", onnx=model.SerializeToString())
    engine = TensorRtEngine(bundle, allow_build=True, cache=cache, batch=4)
    images = np.stack([IMAGE, 255 - IMAGE, IMAGE // 2, IMAGE[::-1]])
    mask, _ = engine.run_batch(images)
    assert np.array_equal(mask, tiny.expected_mask(images))
    size = (4, tiny.HEIGHT, tiny.WIDTH, 3)
    assert trt.built[0].config.profiles[0].shapes == [("image", size, size, size)]
    with pytest.raises(NightsegError, match=r"got uint8 \[1, 48, 64, 3\], need uint8 \[4, 48"):
        engine.run_batch(IMAGE[None])
    assert np.array_equal(engine.run(IMAGE)[0], tiny.expected_mask(IMAGE))


def test_a_graph_that_cannot_be_recorded_is_reported_and_not_needed(
    tmp_path: Path, driver: FakeDriver, trt: FakeTensorRt, cache: EngineCache
) -> None:
    make(tmp_path, cache).close()
    begin = driver.calls.index("cuStreamBeginCapture_v2")
    driver.calls.clear()
    driver.fail_at, driver.status = begin, 900
    # The calls of the second start are those of the first one, up to the recording.
    engine = make(tmp_path, cache)
    assert (
        "no CUDA graph: the GPU cannot be used (CUDA error 900 in " in engine.info.fallback_reason
    )
    assert np.array_equal(engine.run(IMAGE)[0], tiny.expected_mask(IMAGE))
    assert driver.launches == 0 or driver.calls[-1] == "cuStreamSynchronize"
    engine.close()
    assert driver.clean


def test_whatever_fails_everything_is_freed(
    tmp_path: Path, driver: FakeDriver, trt: FakeTensorRt, cache: EngineCache
) -> None:
    make(tmp_path, cache).close()
    driver.calls.clear()
    make(tmp_path, cache).close()
    assert driver.clean
    # The last calls give things back: were they to fail, nothing could be done.
    total = driver.calls.index("cuGraphExecDestroy")
    outcomes = {"error": 0, "went on": 0}
    for number in range(total):
        driver.calls.clear()
        driver.fail_at = number
        logged = attempt(tmp_path, cache)
        outcomes["went on" if logged.startswith("no CUDA graph") or logged == "" else "error"] += 1
        if driver.calls[number] == "cuGraphDestroy":
            assert logged == ""
            driver.open["graph"] -= 1
        else:
            assert "out of GPU memory" in logged
        assert driver.clean, (number, driver.open)
    assert outcomes["went on"] > 4
    assert outcomes["error"] > 20


def attempt(tmp_path: Path, cache: EngineCache) -> str:
    """Return the log of creating an engine, or why it failed."""
    try:
        engine = make(tmp_path, cache)
    except NightsegError as error:
        return str(error)
    engine.close()
    return engine.info.fallback_reason


def test_what_was_built_is_taken_again_and_checked_once(
    tmp_path: Path, trt: FakeTensorRt, cache: EngineCache
) -> None:
    said: list[str] = []
    make(tmp_path, cache, log=said.append).close()
    assert any("for the first time; checking its masks" in line for line in said)
    said.clear()
    make(tmp_path, cache, allow_build=False, log=said.append).close()
    assert said == []
    assert len(trt.built) == 1


def test_nothing_is_built_unasked(tmp_path: Path, trt: FakeTensorRt, cache: EngineCache) -> None:
    with pytest.raises(
        NightsegError, match="there is no tensorrt engine for Fake L4 sm89"
    ) as logged:
        make(tmp_path, cache, allow_build=False)
    assert f"`nightseg build-engine {tmp_path / 'net'} --engine tensorrt`" in str(logged.value)
    assert trt.built == []


def test_engines_of_another_gpu_or_version_are_named(
    tmp_path: Path,
    driver: FakeDriver,
    trt: FakeTensorRt,
    cache: EngineCache,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make(tmp_path, cache).close()
    driver.name = "Fake H200"
    driver.capability = (9, 0)
    with pytest.raises(NightsegError, match="stale: it was built for Fake L4 sm89, this is Fake H"):
        make(tmp_path, cache, allow_build=False)
    driver.name, driver.capability = "Fake L4", (8, 9)
    use(monkeypatch, FakeTensorRt(driver, "10.10.0"))
    with pytest.raises(NightsegError, match=r"built by tensorrt 10\.9\.0\.34, here is 10\.10\.0"):
        make(tmp_path, cache, allow_build=False)


def test_a_truncated_engine_is_named_and_with_leave_built_again(
    tmp_path: Path, trt: FakeTensorRt, cache: EngineCache
) -> None:
    make(tmp_path, cache).close()
    (plan,) = cache.root.glob("*/build-*/engine.plan")
    plan.write_bytes(plan.read_bytes()[:-5])
    with pytest.raises(NightsegError, match=r"corrupt .*nightseg build-engine"):
        make(tmp_path, cache, allow_build=False)
    make(tmp_path, cache).close()
    assert len(trt.built) == 2


def test_the_lowest_precision_that_was_built_is_taken(
    tmp_path: Path, trt: FakeTensorRt, cache: EngineCache
) -> None:
    make(tmp_path, cache).close()
    bundle = tiny.segmenter(tmp_path / "net")
    gpu = find_gpu()
    half = tiny.segmenter_onnx(metadata={"nightseg_precision": "fp16"})
    key = tensorrt_engine.engine_key(bundle, Library(trt, TENSORRT), gpu, "fp16")
    writer = tensorrt_engine.plan_writer(bundle, Library(trt, TENSORRT), gpu, key, onnx=half)
    cache.build(key, writer)
    assert make(tmp_path, cache, allow_build=False).info.precision == "fp16"


def test_an_engine_that_computes_something_else_is_refused(
    tmp_path: Path, driver: FakeDriver, trt: FakeTensorRt, cache: EngineCache
) -> None:
    trt.wrong_by = 1
    for _ in range(2):  # the second time it is in the cache
        with pytest.raises(NightsegError, match="returns other masks than the ONNX"):
            make(tmp_path, cache)
        assert driver.clean
    assert len(trt.built) == 1


def test_an_engine_that_cannot_be_loaded_is_explained(
    tmp_path: Path, driver: FakeDriver, trt: FakeTensorRt, cache: EngineCache
) -> None:
    make(tmp_path, cache).close()
    # As if somebody had copied an engine of another version into place.
    cached = cache.find(cache.entries()[0].engine.key)  # type: ignore[union-attr]
    assert cached is not None
    plan = cached.path / "engine.plan"
    plan.write_bytes(plan.read_bytes().replace(b"10.9.0.34", b"10.9.0.33"))
    with pytest.raises(NightsegError, match="built by another version of TensorRT"):
        make(tmp_path, cache, cached=cached)
    assert driver.clean


def test_tensorrt_rtx_keeps_what_it_compiled(
    tmp_path: Path, driver: FakeDriver, cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    trt = use(monkeypatch, FakeTensorRt(driver, "1.7.1.116", rtx=True), RTX)
    engine = make(tmp_path, cache)
    assert engine.info.provider == "TensorRT-RTX 1.7.1.116"
    engine.close()
    assert cache.entries()[0].engine.key.device == PORTABLE  # type: ignore[union-attr]
    make(tmp_path, cache).close()
    assert trt.compiled == [True, False]
    driver.name = "Fake RTX 5090"
    driver.capability = (12, 0)
    said: list[str] = []
    make(tmp_path, cache, allow_build=False, log=said.append).close()
    assert trt.compiled == [True, False, True]  # for every GPU once
    assert any("Fake RTX 5090 sm120 for the first time" in line for line in said)


def test_a_cache_that_cannot_be_written_costs_a_check_at_every_start(
    tmp_path: Path, trt: FakeTensorRt, cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> None:
        raise NightsegError("the engine cache cannot be written")

    monkeypatch.setattr(EngineCache, "note", refuse)
    for _ in range(2):
        said: list[str] = []
        make(tmp_path, cache, log=said.append).close()
        assert said[-1].endswith("the check will be repeated at the next start")


def test_machines_without_a_gpu_are_reported_so(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = FakeDriver()
    monkeypatch.setattr(cuda_driver, "load_driver", lambda: driver)
    assert find_gpu() == Gpu(0, "Fake L4", (8, 9), 24 << 30)
    assert why_no_gpu() == ""
    driver.count = 0
    assert "there is no NVIDIA GPU" in why_no_gpu()
    driver.calls.clear()
    driver.fail_at, driver.status = 0, 100
    assert "there is no NVIDIA GPU" in why_no_gpu()
    driver.calls.clear()
    driver.status = 803
    assert "`nvidia-smi` shows" in why_no_gpu()


@pytest.mark.gpu
def test_a_real_gpu_gives_the_pixels_that_numpy_computes(
    tmp_path: Path, cache: EngineCache
) -> None:
    if reason := tensorrt_engine.why_not():
        pytest.skip(reason)
    engine = make(tmp_path, cache, log=print)
    mask, confidence = engine.run(IMAGE)
    assert np.array_equal(mask, tiny.expected_mask(IMAGE))
    assert np.array_equal(confidence, IMAGE[..., 1])
    load_library()
    engine.close()
