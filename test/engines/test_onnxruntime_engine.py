# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network gives the pixels numpy expects, and what it really runs on is told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import models_for_tests as tiny

from nightseg_ros.engines import onnxruntime_engine
from nightseg_ros.engines.onnxruntime_engine import CPU, CUDA, OnnxRuntimeEngine
from nightseg_ros.engines.select import create_engine
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import JOINT11

IMAGE = np.random.default_rng(5).integers(0, 256, (tiny.HEIGHT, tiny.WIDTH, 3), np.uint8)


@pytest.mark.parametrize("options", [{}, {"threads": 1}, {"spinning": False}], ids=str)
def test_every_pixel_is_the_one_that_numpy_computes(
    options: dict[str, Any], tmp_path: Path
) -> None:
    engine = OnnxRuntimeEngine(tiny.segmenter(tmp_path / "net", seed=3), use_gpu=False, **options)
    mask, confidence = engine.run(IMAGE)
    assert np.array_equal(mask, tiny.expected_mask(IMAGE, seed=3))
    assert np.array_equal(confidence, IMAGE[..., 1])


def test_threads_and_spinning_reach_the_session(tmp_path: Path) -> None:
    bundle = tiny.segmenter(tmp_path / "net")
    engine = OnnxRuntimeEngine(bundle, threads=3, spinning=False)
    options = engine._session.get_session_options()
    assert options.intra_op_num_threads == 3
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_a_run_that_fails_on_the_gpu_will_not_go_on_silently_on_the_cpu(tmp_path: Path) -> None:
    engine = OnnxRuntimeEngine(tiny.segmenter(tmp_path / "net"))
    assert not engine._session._enable_fallback


def test_the_cpu_that_was_asked_for_is_no_fallback(tmp_path: Path) -> None:
    info = create_engine(tiny.segmenter(tmp_path / "net"), "onnxruntime-cpu").info
    assert (info.backend, info.provider, info.device) == ("onnxruntime", CPU, "cpu")
    assert info.fallback_reason == ""


@pytest.mark.skipif(CUDA in ort.get_available_providers(), reason="this build may get a GPU")
def test_a_required_gpu_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NightsegError, match=f"a GPU is required, but ONNX Runtime runs on {CPU}"):
        create_engine(tiny.segmenter(tmp_path / "net"), require_gpu=True)


class _ListsCuda:
    """ONNX Runtime as built for GPUs on a machine where CUDA cannot be loaded."""

    def __getattr__(self, name: str) -> Any:
        return getattr(ort, name)

    def get_available_providers(self) -> list[str]:
        return [CUDA, CPU]

    def InferenceSession(self, *args: Any, providers: list[str]) -> Any:  # noqa: N802
        assert providers == [CUDA, CPU]
        return ort.InferenceSession(*args, providers=[CPU])


def test_a_silent_fall_back_to_the_cpu_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime_engine, "ort", _ListsCuda())
    bundle = tiny.segmenter(tmp_path / "net")
    info = create_engine(bundle).info
    assert info.provider == CPU
    assert f"{CUDA} is installed but could not be created" in info.fallback_reason
    with pytest.raises(NightsegError, match="could not be created"):
        create_engine(bundle, require_gpu=True)


@pytest.mark.gpu
@pytest.mark.skipif(CUDA not in ort.get_available_providers(), reason="no onnxruntime-gpu here")
def test_the_gpu_gives_the_same_mask(tmp_path: Path) -> None:
    engine = create_engine(tiny.segmenter(tmp_path / "net"), require_gpu=True)
    assert engine.info.provider == CUDA
    assert np.array_equal(engine.run(IMAGE)[0], tiny.expected_mask(IMAGE))


def test_garbage_with_the_right_hash_is_one_clear_line(tmp_path: Path) -> None:
    bundle = tiny.segmenter(tmp_path / "net", onnx=b"garbage")
    with pytest.raises(NightsegError, match=r"ONNX Runtime .* cannot load .*model\.onnx") as caught:
        create_engine(bundle)
    assert "\n" not in str(caught.value)


def test_a_network_changed_after_loading_is_refused(tmp_path: Path) -> None:
    bundle = tiny.segmenter(tmp_path / "net")
    bundle.onnx_path.write_bytes(tiny.segmenter_onnx(seed=9))
    with pytest.raises(NightsegError, match="sha256"):
        create_engine(bundle)


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (tiny.segmenter_onnx(height=32), "the network takes"),
        (tiny.translator_onnx(), "the network lacks output confidence, mask"),
        (tiny.segmenter_onnx(mask_type=TensorProto.INT32), "output 'mask' is int32"),
        (tiny.segmenter_onnx(metadata={"nightseg_classes": "11"}), "the network has 11 classes"),
    ],
    ids=["input size", "outputs", "output type", "class count in the metadata"],
)
def test_a_network_unlike_its_description_is_refused(
    network: bytes, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(NightsegError, match=reason):
        create_engine(tiny.segmenter(tmp_path / "net", onnx=network))


def test_class_ids_beyond_the_labels_are_found_by_the_warm_up(tmp_path: Path) -> None:
    network = tiny.segmenter_onnx(classes=19, seed=0)
    bundle = tiny.segmenter(tmp_path / "net", onnx=network, labels=JOINT11)
    with pytest.raises(NightsegError, match=r"names only 11 classes"):
        create_engine(bundle)


def test_the_precision_is_what_the_export_wrote(tmp_path: Path) -> None:
    network = tiny.segmenter_onnx(metadata={"nightseg_precision": "int8"})
    assert create_engine(tiny.segmenter(tmp_path / "net", onnx=network)).info.precision == "int8"
