# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg models` lists what is there and says what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import models as tiny
from support import verbs

from nightseg_ros.cli import models
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.json_file import to_json
from nightseg_ros.labels.label_set import label_set


def run(*argv: str) -> dict[str, Any]:
    return verbs.run("models", *argv)


def test_good_models_are_listed_with_what_they_are(tmp_path: Path) -> None:
    tiny.models_folder(tmp_path)
    result = run("--dir", str(tmp_path))
    assert result["exit_code"] == 0
    day, _, translator = result["models"]
    assert (day["name"], day["route"], day["classes"]) == ("tiny_day", "day", 19)
    assert day["bytes"] == (tmp_path / "tiny_day" / "model.onnx").stat().st_size
    assert (translator["kind"], translator["classes"]) == ("translation", None)
    lines = models.render(result).splitlines()
    assert lines[0] == str(tmp_path)
    assert lines[1].split() == list(models.COLUMNS)
    assert lines[2].split()[:5] == ["tiny_day", "segmentation", "day", "64x48", "19"]
    assert lines[2].split()[5:] == [day["sha256"][:12], "0.0", "ok"]
    to_json(result)


def test_each_licence_is_printed_once(repository: Path) -> None:
    result = run("--dir", str(repository / "models"))
    licences = [line for line in models.render(result).splitlines() if "Weights trained" in line]
    assert licences[0].startswith("erf_pspnet_day, erf_pspnet_fast_day, night2day: ")
    assert licences[1].startswith("erf_pspnet_fast_night, erf_pspnet_night, fpn_lite0: ")
    assert len(licences) == 2
    assert all(line.endswith("research use, non-commercial.") for line in licences)


def test_a_damaged_model_is_reported_with_the_reason(tmp_path: Path) -> None:
    tiny.models_folder(tmp_path)
    (tmp_path / "tiny_day" / "model.onnx").write_bytes(b"damaged")
    (tmp_path / "tiny_night" / "model.yaml").write_text("format: 7\n")
    result = run("--dir", str(tmp_path))
    assert result["exit_code"] == 2
    assert [
        "sha256" in result["models"][0]["problem"],
        "format is 7" in result["models"][1]["problem"],
    ] == [True, True]
    assert result["models"][2]["problem"] == ""
    lines = models.render(result).splitlines()
    assert "sha256 of model.onnx" in lines[2]
    assert lines[3].startswith("tiny_night")
    assert lines[4].endswith("ok")


def test_run_finds_what_a_hash_cannot_show(tmp_path: Path) -> None:
    tiny.segmenter(tmp_path / "good")
    tiny.segmenter(
        tmp_path / "more", onnx=tiny.segmenter_onnx(classes=19), labels=label_set("joint11")
    )
    assert run("--dir", str(tmp_path))["exit_code"] == 0
    result = run("--dir", str(tmp_path), "--run", "--engine", "onnxruntime-cpu")
    assert result["exit_code"] == 2
    assert result["models"][0]["provider"] == "CPUExecutionProvider"
    assert "only 11 classes" in result["models"][1]["problem"]
    assert (
        models.render(result)
        .splitlines()[2]
        .endswith("runs on onnxruntime (CPUExecutionProvider, fp32)")
    )


def test_an_empty_and_a_missing_folder_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSEG_MODELS", str(tmp_path))
    assert models.render(run()).startswith(f"No models in {tmp_path}")
    with pytest.raises(NightsegError, match="there is no models folder"):
        run("--dir", str(tmp_path / "none"))
