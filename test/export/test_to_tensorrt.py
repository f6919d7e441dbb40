# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An engine is kept when its masks are those of the ONNX, and only then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import models as tiny
from support.tensorrt import FakeDriver, FakeTensorRt

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.engines.cache.store import CachedEngine, EngineCache
from nightseg_ros.engines.tensorrt import cuda_driver
from nightseg_ros.engines.tensorrt import engine as tensorrt_engine
from nightseg_ros.engines.tensorrt.cuda_driver import find_gpu
from nightseg_ros.engines.tensorrt.engine import PROVEN_ON, TensorRtEngine
from nightseg_ros.engines.tensorrt.library import PORTABLE, RTX, TENSORRT, Library
from nightseg_ros.errors import NightsegError
from nightseg_ros.export.to_tensorrt import Proof, Request, build_tensorrt

RANDOM = np.random.default_rng(5)
FRAMES = [RANDOM.integers(0, 256, (tiny.HEIGHT, tiny.WIDTH, 3), np.uint8) for _ in range(2)]


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    made = FakeDriver()
    monkeypatch.setattr(cuda_driver, "load_driver", lambda: made)
    return made


class Bench:
    """A machine with a GPU and a TensorRT, a model, and an empty cache."""

    def __init__(self, folder: Path, driver: FakeDriver, patch: Any, *, rtx: bool = False) -> None:
        self.trt = FakeTensorRt(driver, "1.7.1" if rtx else "10.9.0", rtx=rtx)
        self.library = Library(self.trt, RTX if rtx else TENSORRT)  # type: ignore[arg-type]
        patch.setattr(tensorrt_engine, "load_library", lambda: self.library)
        self.bundle: Bundle = tiny.segmenter(folder / "net")
        self.cache = EngineCache(folder / "engines")
        self.proofs = 0
        self.said: list[str] = []

    def proof(self) -> Proof:
        self.proofs += 1
        return Proof(FRAMES)

    def build(self, *, gpu: bool = True, **options: Any) -> CachedEngine:
        request = Request(self.bundle, find_gpu() if gpu else None, **options)
        return build_tensorrt(
            self.library, request, self.proof, cache=self.cache, log=self.said.append
        )


@pytest.fixture
def bench(tmp_path: Path, driver: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, driver, monkeypatch)


def test_a_good_engine_is_kept_with_its_figures(bench: Bench) -> None:
    engine = bench.build()
    assert engine.proven
    assert engine.facts["parity"] == engine.facts[PROVEN_ON]["Fake L4 sm89"]
    assert engine.facts["parity"]["equal_share"] == 1.0
    assert engine.facts["parity"]["frames"] == 2
    assert any("net in tf32 on Fake L4 sm89: 100.00% of the pixels equal" in x for x in bench.said)
    assert bench.build() == engine
    assert (bench.proofs, len(bench.trt.built)) == (1, 1)
    # Nothing is left to check when it is used.
    TensorRtEngine(bench.bundle, cache=bench.cache, log=bench.said.append).close()
    assert not any("first time" in line for line in bench.said)


def test_an_engine_that_fails_is_not_kept(bench: Bench, driver: FakeDriver) -> None:
    bench.trt.wrong_by = 1
    with pytest.raises(NightsegError, match=r"TensorRT engine of net \(fp16\) is not the same"):
        bench.build()
    assert bench.cache.entries() == []
    assert driver.clean


def test_the_old_engine_stays_when_the_new_one_fails(bench: Bench) -> None:
    before = bench.build()
    bench.trt.wrong_by = 1
    with pytest.raises(NightsegError, match="is not the same model"):
        bench.build(force=True)
    assert bench.cache.find(before.key) == before


def test_labels_count_too_where_they_are_given(bench: Bench) -> None:
    truths = [np.full((tiny.HEIGHT, tiny.WIDTH), 3, np.uint8)] * 2
    request = Request(bench.bundle, find_gpu())
    engine = build_tensorrt(
        bench.library, request, lambda: Proof(FRAMES, truths), cache=bench.cache
    )
    assert engine.facts["parity"]["miou_truth_difference"] == 0.0


def test_what_was_built_elsewhere_is_proven_here_without_building(
    tmp_path: Path, driver: FakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, driver, monkeypatch, rtx=True)
    elsewhere = bench.build(gpu=False)
    assert (elsewhere.key.device, elsewhere.proven, bench.proofs) == (PORTABLE, False, 0)
    here = bench.build()
    assert (here.path, here.proven, len(bench.trt.built)) == (elsewhere.path, True, 1)
    driver.name = "Fake RTX 6000"
    both = bench.build()
    assert list(both.facts[PROVEN_ON]) == ["Fake L4 sm89", "Fake RTX 6000 sm89"]
    assert bench.proofs == 2


def test_what_was_built_elsewhere_and_fails_here_is_thrown_away(
    tmp_path: Path, driver: FakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, driver, monkeypatch, rtx=True)
    bench.build(gpu=False)
    bench.trt.wrong_by = 1
    with pytest.raises(NightsegError, match="is not the same model"):
        bench.build()
    assert bench.cache.entries() == []


def test_a_quick_look_is_no_proof(bench: Bench) -> None:
    TensorRtEngine(bench.bundle, allow_build=True, cache=bench.cache).close()
    engine = bench.build()
    assert (bench.proofs, len(bench.trt.built)) == (1, 1)
    assert "frames" in engine.facts[PROVEN_ON]["Fake L4 sm89"]


def test_fp16_is_written_into_the_file_that_is_built(bench: Bench) -> None:
    engine = bench.build(precision="fp16")
    assert engine.key.precision == "fp16"
    assert bench.trt.built[0].network.metadata["nightseg_precision"] == "fp16"
    assert engine.key.sha256 == bench.bundle.sha256  # it is still the engine of this model
    assert TensorRtEngine(bench.bundle, cache=bench.cache).info.precision == "fp16"


def test_int8_needs_frames_and_is_written_into_the_file_too(bench: Bench) -> None:
    with pytest.raises(NightsegError, match=r"int8 needs driving images .*--calibrate"):
        bench.build(precision="int8")
    engine = bench.build(precision="int8", calibration=lambda: FRAMES * 8)
    assert engine.key.precision == "int8"
    assert bench.trt.built[0].network.metadata["nightseg_precision"] == "int8"


def test_several_images_at_a_time_are_proven_as_well(bench: Bench, tmp_path: Path) -> None:
    import onnx

    model = onnx.load_from_string(tiny.segmenter_onnx())
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    bench.bundle = tiny.segmenter(tmp_path / "any", onnx=model.SerializeToString())
    engine = bench.build(batch=4)
    assert (engine.key.batch, engine.proven) == (4, True)


def test_measurements_of_the_builder_are_kept_beside_the_engines(bench: Bench) -> None:
    bench.build()
    (timings,) = bench.cache.root.glob("timings-*.cache")
    assert timings.name == "timings-tensorrt-10-9-0-Fake-L4-sm89.cache"
    assert len(bench.cache.entries()) == 1
