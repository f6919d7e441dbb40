# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An engine is stale when nobody will load it here again, and not when that is not known."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support import models as tiny

from nightseg_ros.engines.cache.key import EngineKey
from nightseg_ros.engines.cache.staleness import Machine, this_machine, why_stale
from nightseg_ros.engines.tensorrt.library import PORTABLE


@pytest.fixture
def key(tmp_path: Path) -> EngineKey:
    bundle = tiny.segmenter(tmp_path / "net")
    return EngineKey.of(
        bundle, backend="tensorrt", version="10.9.0", device="NVIDIA L4 sm89", precision="fp16"
    )


def test_what_is_not_known_makes_nothing_stale(key: EngineKey) -> None:
    assert why_stale(key, Machine()) == ""
    assert why_stale(key, Machine({"tensorrt": "10.9.0"}, {"tensorrt": "NVIDIA L4 sm89"})) == ""
    assert why_stale(key, Machine({"openvino": "2026.4"}, {"openvino": "a CPU"})) == ""


def test_another_version_or_gpu_makes_stale(key: EngineKey) -> None:
    assert "has tensorrt 11.4.0" in why_stale(key, Machine({"tensorrt": "11.4.0"}))
    other = Machine(devices={"tensorrt": "NVIDIA H200 sm90"})
    assert why_stale(key, other) == "this machine has NVIDIA H200 sm90"
    assert why_stale(replace(key, device=PORTABLE), other) == ""


def test_a_model_that_was_exported_again_or_is_gone_makes_stale(
    key: EngineKey, tmp_path: Path
) -> None:
    tiny.segmenter(tmp_path / "net", seed=9)
    assert why_stale(key, Machine()) == "net has been exported again since"
    (tmp_path / "net" / "model.yaml").unlink()
    assert why_stale(key, Machine()).endswith("no longer exists")
    assert why_stale(key, Machine(models={key.sha256: "elsewhere"})) == ""


def test_this_machine_is_asked_only_for_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tiny.segmenter(tmp_path / "net")
    monkeypatch.setenv("NIGHTSEG_MODELS", str(tmp_path))
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    machine = this_machine({"tensorrt"})
    assert machine.versions == {}
    assert machine.models == {bundle.sha256: str(tmp_path / "net")}
    import onnxruntime

    assert this_machine({"onnxruntime-tensorrt"}).versions == {
        "onnxruntime-tensorrt": onnxruntime.__version__
    }
