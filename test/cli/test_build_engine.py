# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg build-engine` builds, proves, keeps, and says what it could not prove."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support import models as tiny
from support import verbs
from support.tensorrt import FakeDriver, FakeTensorRt

from nightseg_ros.cli import build_engine
from nightseg_ros.engines.tensorrt import cuda_driver
from nightseg_ros.engines.tensorrt import engine as tensorrt_engine
from nightseg_ros.engines.tensorrt import library as tensorrt_library
from nightseg_ros.engines.tensorrt.library import TENSORRT, Library
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.json_file import to_json


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIGHTSEG_ENGINE_CACHE", str(tmp_path / "engines"))
    return tmp_path / "engines"


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(tiny.segmenter(tmp_path / "net").path)


@pytest.fixture
def images(tmp_path: Path) -> str:
    (tmp_path / "images").mkdir()
    random = np.random.default_rng(0)
    for number in range(3):
        pixels = random.integers(0, 256, (tiny.HEIGHT, tiny.WIDTH, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "images" / f"{number}.png"), pixels)
    return str(tmp_path / "images")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> FakeTensorRt:
    """A machine with a GPU and TensorRT 10."""
    driver = FakeDriver()
    trt = FakeTensorRt(driver, "10.9.0")
    monkeypatch.setattr(cuda_driver, "load_driver", lambda: driver)

    def load(kinds: Any = None) -> Library:
        return Library(trt, TENSORRT)  # type: ignore[arg-type]

    monkeypatch.setattr(tensorrt_library, "load_library", load)
    monkeypatch.setattr(tensorrt_engine, "load_library", load)
    return trt


def run(*argv: str) -> dict[str, Any]:
    result = verbs.run("build-engine", *argv)
    json.loads(to_json(result))
    return result


def test_without_a_gpu_an_engine_for_others_is_built_and_said_to_be_unproven(
    model: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if importlib.util.find_spec("tensorrt_rtx") is None:
        pytest.skip("tensorrt_rtx is not installed: pip install '.[tensorrt-rtx]'")
    result = run(model, "--device", "portable")
    assert (result["new"], result["proven"], result["parity"]) == (True, False, None)
    assert result["device"] == "any GPU of compute capability 8.0 or later"
    assert (Path(result["path"]) / "engine.plan").stat().st_size == result["bytes"]
    head, proof, path = build_engine.render(result).splitlines()
    assert head.startswith("net: tensorrt tf32 for any GPU")
    assert head.endswith("MB, built")
    assert proof.startswith("NOT proven: there is no GPU here")
    assert path == result["path"]
    again = run(model, "--device", "portable")
    assert (again["new"], again["path"]) == (False, result["path"])
    assert "already there" in build_engine.render(again)
    assert capfd.readouterr().out == ""  # stdout is for the result


def test_on_a_gpu_it_is_proven_on_the_images_that_were_named(
    model: str, images: str, gpu: FakeTensorRt, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(model, "--frames", images)
    assert result["proven"]
    assert result["gpu"] == "Fake L4 sm89"
    assert result["parity"] == {"frames": 3, "equal_share": 1.0, "nan_count": 0, "miou": 100.0}
    assert "proven against the ONNX on the CPU: frames 3, equal_share 1.0" in build_engine.render(
        result
    )
    assert "net in tf32 on Fake L4 sm89: 100.00% of the pixels equal" in capsys.readouterr().err


def test_an_engine_that_fails_its_proof_is_an_error_and_not_kept(
    model: str, images: str, gpu: FakeTensorRt, cache: Path
) -> None:
    gpu.wrong_by = 1
    with pytest.raises(NightsegError, match="is not the same model"):
        run(model, "--frames", images)
    assert [path.name for path in cache.iterdir()] == ["timings-tensorrt-10-9-0-Fake-L4-sm89.cache"]


def test_options_reach_the_builder(model: str, images: str, gpu: FakeTensorRt) -> None:
    run(model, "--frames", images, "--precision", "fp32", "--workspace", "64")
    run(model, "--frames", images, "--precision", "fp32", "--force")
    first, second = (built.config for built in gpu.built)
    assert first.flags == second.flags == set()
    assert [list(config.pools.values()) for config in (first, second)] == [[64 << 20], [1024 << 20]]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--engine", "openvino-int8"], "give --calibrate FOLDER"),
        (["--engine", "openvino-int8", "--precision", "int8"], "--precision is not for --engine"),
        (["--engine", "torch-tensorrt"], "give --checkpoint"),
        (["--engine", "torch-tensorrt", "--checkpoint", "a", "--batch", "2"], "--batch is not for"),
        (["--checkpoint", "a"], "--checkpoint is not for --engine tensorrt"),
        (["--calibrate", "a"], "--calibrate is for --precision int8"),
        (["--engine", "onnxruntime-tensorrt", "--frames", "a"], "--frames is not for"),
        (["--device", "gpu"], "--device is 'gpu'; give the number"),
        (["--batch", "0"], "--batch is 0"),
        (["--workspace", "-1"], "--workspace is -1"),
    ],
    ids=" ".join,
)
def test_options_that_an_engine_does_not_have_are_refused(
    options: list[str], reason: str, model: str
) -> None:
    with pytest.raises(NightsegError, match=reason):
        run(model, *options)


def test_an_unknown_model_is_reported_with_those_there_are(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSEG_MODELS", str(tmp_path))
    with pytest.raises(NightsegError, match=r"no model 'nothing' in .*; it contains net"):
        run("nothing")


def test_openvino_int8_is_built_into_the_cache_from_the_images(
    model: str, images: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino", reason="needs the extra 'openvino'")
    from nightseg_ros.export import to_openvino

    asked: list[Any] = []

    def build_int8(bundle: Any, frames: Any, folder: Path, **options: Any) -> dict[str, Any]:
        asked.append((bundle.name, len(frames), options["truths"]))
        (folder / "model.xml").write_text("made up")
        return {"parity": {"frames": 3}}

    monkeypatch.setattr(to_openvino, "build_int8", build_int8)
    result = run(model, "--engine", "openvino-int8", "--calibrate", images)
    assert asked == [("net", 3, None)]
    assert (result["precision"], result["proven"]) == ("int8", True)
    assert not run(model, "--engine", "openvino-int8", "--calibrate", images)["new"]
    assert len(asked) == 1
