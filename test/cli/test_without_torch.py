# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A model folder gets another precision, and an engine, on a machine that has no torch."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import foreign_networks as foreign
from support import models as tiny
from support.toy_network import HEIGHT, WIDTH, toy_onnx

from nightseg_ros.bundles.onnx_file import read_metadata

REPOSITORY = Path(__file__).parents[2]
TRAINING = ("torch", "torchvision", "lightning", "onnxscript", "tensorboard")
PROGRAM = """
import sys
sys.modules.update(dict.fromkeys({missing!r}))  # to import one of them fails
from nightseg_ros.cli.main import main
sys.exit(main(sys.argv[1:]))
"""

needs_rtx = pytest.mark.skipif(
    importlib.util.find_spec("tensorrt_rtx") is None, reason="needs the extra tensorrt-rtx"
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny.segmenter(tmp_path / "toy", onnx=toy_onnx(), height=HEIGHT, width=WIDTH).path


def nightseg(folder: Path, *words: object, missing=TRAINING) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM.format(missing=missing), *map(str, words)]
    env = os.environ | {"NIGHTSEG_ENGINE_CACHE": str(folder / "engines")}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=REPOSITORY, env=env
    )


def test_export_in_fp16(model: Path, tmp_path: Path):
    out = tmp_path / "half"
    done = nightseg(tmp_path, "export", model, "--out", out, "--fp16", "--frames-count", 2)
    assert done.returncode == 0, done.stderr
    assert read_metadata((out / "model.onnx").read_bytes())["nightseg_precision"] == "fp16"


def test_import_of_any_network(tmp_path: Path):
    (tmp_path / "net.onnx").write_bytes(foreign.segmenter())
    words = ["import", tmp_path / "net.onnx", "--out", tmp_path / "net", "--frames-count", 1]
    words += ["--labels", "cityscapes19", "--normalise", "unit", "--route", "day"]
    done = nightseg(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "net" / "model.yaml").is_file()
    shutil.rmtree(tmp_path / "net")
    done = nightseg(tmp_path, *words, missing=("onnx",))
    assert "the Python package 'onnx' is missing; pip install '.[export]'" in done.stderr


@needs_rtx
@pytest.mark.parametrize(
    ("precision", "missing"), [("fp16", TRAINING), ("fp32", (*TRAINING, "onnx"))]
)
def test_build_engine(model: Path, tmp_path: Path, precision, missing):
    words = ["build-engine", model, "--device", "portable", "--precision", precision]
    done = nightseg(tmp_path, *words, missing=missing)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("engines/*/*/engine.plan"))


def test_what_is_missing_is_named_with_the_smallest_extra(model: Path, tmp_path: Path):
    checkpoint = nightseg(tmp_path, "export", tmp_path / "model.pt", "--out", tmp_path / "out")
    assert "pip install '.[train]'" in checkpoint.stderr
    words = ["export", model, "--out", tmp_path / "out", "--fp16"]
    done = nightseg(tmp_path, *words, missing=(*TRAINING, "onnx"))
    assert "'onnx' is missing; pip install '.[export]'" in done.stderr
