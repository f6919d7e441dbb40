# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg export` from a model folder: precisions, the proof, and errors that change nothing."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from support import models as tiny

pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[export]'")

from support.toy_network import HEIGHT, WIDTH, toy_image, toy_onnx

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.cli.export_frames import FrameOptions, export_frames
from nightseg_ros.cli.main import main
from nightseg_ros.engines import parity
from nightseg_ros.engines.select import create_engine
from nightseg_ros.errors import NightsegError


@pytest.fixture
def images(tmp_path):
    """Return a labelled folder of 20 images."""
    folder = tmp_path / "street"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for seed in range(20):
        image, ids = toy_image(seed)
        cv2.imwrite(str(folder / "images" / f"{seed}.png"), image[..., ::-1])
        cv2.imwrite(str(folder / "labels" / f"{seed}.png"), ids)
    return folder


@pytest.fixture
def source(tmp_path):
    return str(model(tmp_path / "toy_day").path)


def model(folder, onnx=None, **fields):
    onnx = toy_onnx() if onnx is None else onnx
    return tiny.segmenter(folder, onnx=onnx, height=HEIGHT, width=WIDTH, **fields)


def snapshot(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_model_in_another_precision_is_a_normal_model_folder(
    tmp_path, source, images, capsys, precision
):
    out = tmp_path / f"toy_{precision}"
    words = ["export", source, "--out", str(out), f"--{precision}", "--labels", str(images)]
    words += ["--calibrate", str(images)] if precision == "int8" else []
    assert main([*words, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["precision"] == precision
    assert result["tensorrt"] == ([] if precision == "int8" else ["8.6", "10", "11"])
    bundle = Bundle.load(out)
    figures = bundle.metrics["parity"]
    assert figures == result["parity"]
    assert (figures["precision"], figures["frames"], figures["nan_count"]) == (precision, 20, 0)
    assert figures["equal_share"] > 0.97
    assert abs(figures["miou_truth_difference"]) <= 1
    assert figures["of"] == "street"
    assert bundle.training == Bundle.load(source).training
    card = (out / "README.md").read_text()
    assert f"Precision {precision}." in card
    assert f"{100 * figures['equal_share']:.2f} % of the pixels equal" in card
    assert str(tmp_path) not in card + (out / "model.yaml").read_text()
    engine = create_engine(bundle, "onnxruntime-cpu")
    assert engine.info.precision == precision
    image, ids = toy_image(100)
    assert (engine.run(image)[0] == ids).mean() > 0.97
    engine.close()


def test_the_text_names_the_figures(tmp_path, source, images, capsys):
    words = ["--out", str(tmp_path / "toy_fp16"), "--fp16", "--frames", str(images / "images")]
    assert main(["export", source, *words]) == 0
    text = capsys.readouterr().out
    for part in ("route day, fp16", "of the pixels equal", "on 20 frames (images)", "8.6, 10, 11"):
        assert part in text


def test_frames_that_were_calibrated_on_prove_nothing(tmp_path, source, images, capsys):
    words = ["--int8", "--calibrate", str(images), "--calibrate-count", "16"]
    assert main(["export", source, "--out", str(tmp_path / "toy_int8"), *words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parity"]["frames"] == 4


def test_a_failed_proof_leaves_what_was_there(tmp_path, source, images, capsys, monkeypatch):
    out = model(tmp_path / "toy_half", metrics={"old": 1}).path
    before = snapshot(out)
    strict = {**parity.LIMITS, "fp16": parity.Limits(1.01, 100.0, 0.0)}
    monkeypatch.setattr(parity, "LIMITS", strict)
    words = ["--fp16", "--frames", str(images)]
    assert main(["export", source, "--out", str(out), *words]) == 2
    assert "toy_half (fp16) is not the same model" in capsys.readouterr().err
    assert snapshot(out) == before
    assert main(["export", source, "--out", str(tmp_path / "new"), *words]) == 2
    assert not (tmp_path / "new").exists()


def test_a_network_that_overflows_in_fp16_is_refused(tmp_path, images, capsys):
    # 60000 fits into fp16, and so does every weight; what the second layer gives is twice that.
    folder = model(tmp_path / "huge", toy_onnx(weight=60000.0, first=2.0)).path
    words = ["--out", str(tmp_path / "x"), "--frames", str(images)]
    assert main(["export", str(folder), *words, "--fp16"]) == 2
    error = capsys.readouterr().err
    assert "is not the same model" in error
    assert "NaN, need none" in error
    assert not (tmp_path / "x").exists()
    assert main(["export", str(folder), *words]) == 0


@pytest.mark.parametrize("file", ["model.onnx", "README.md", "model.yaml"])
def test_a_full_disk_leaves_the_old_model(tmp_path, source, images, capsys, monkeypatch, file):
    out = model(tmp_path / "old", metrics={"old": 1}).path
    before = snapshot(out)
    fill_the_disk(monkeypatch, tmp_path, file)
    words = ["--fp16", "--frames", str(images)]
    for folder in (out, tmp_path / "new"):
        assert main(["export", source, "--out", str(folder), *words]) == 2
        error = capsys.readouterr().err
        assert "No space left on device" in error
        assert "nothing was changed" in error
    assert snapshot(out) == before
    assert not (tmp_path / "new").exists()


def fill_the_disk(monkeypatch, root, file):
    """Make writing `file` below `root` fail as a full disk does, half-way through."""

    class Full:
        def __init__(self, opened):
            self.opened = opened

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.opened.close()

        def write(self, data):
            self.opened.write(data[: len(data) // 2])
            self.opened.flush()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    usual = Path.open

    def opening(path, *mode, **options):
        opened = usual(path, *mode, **options)
        return Full(opened) if root in path.parents and f".{file}." in path.name else opened

    monkeypatch.setattr(Path, "open", opening)


def test_options_that_do_not_fit_are_reported_before_any_work(tmp_path, source, images, capsys):
    out, file = str(tmp_path / "x"), tmp_path / "file"
    file.write_text("")
    wrong = {
        "give --calibrate": ["--out", out, "--int8"],
        "there is no folder": ["--out", out, "--int8", "--calibrate", str(tmp_path / "none")],
        "3 calibration images, need at least 16": [
            *("--out", out, "--int8", "--calibrate", str(images), "--calibrate-count", "3"),
        ],
        "are for --int8": ["--out", out, "--symmetric"],
        "must be at least 1": ["--out", out, "--frames-count", "0"],
        "leave --frames out": ["--out", out, "--frames", str(images), "--labels", str(images)],
        "is a file": ["--out", str(file)],
        "--size cannot change": ["--out", out, "--size", "640x360"],
        "--route cannot change": ["--out", out, "--route", "night"],
        "--batch cannot change": ["--out", out, "--batch", "dynamic"],
    }
    for message, words in wrong.items():
        assert main(["export", source, *words]) == 2, message
        assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_only_an_fp32_model_is_converted(tmp_path, source, images, capsys):
    words = ["--fp16", "--frames", str(images)]
    assert main(["export", source, "--out", str(tmp_path / "half"), *words]) == 0
    assert main(["export", str(tmp_path / "half"), "--out", str(tmp_path / "x"), *words]) == 2
    assert "is in fp16; name a model in fp32" in capsys.readouterr().err


def test_a_network_with_other_inputs_than_its_model_yaml_says_is_refused(tmp_path, images, capsys):
    for name, onnx in {
        "size": toy_onnx(size=(HEIGHT, 2 * WIDTH)),
        "name": toy_onnx(name="picture"),
        "nonsense": b"no network",
    }.items():
        folder = model(tmp_path / name, onnx).path
        words = ["--out", str(tmp_path / "x"), "--frames", str(images)]
        assert main(["export", str(folder), *words]) == 2, name
        assert "export the bundle again" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_an_unreadable_image_is_named(tmp_path, source, images):
    (images / "images" / "7.png").write_bytes(b"")
    with pytest.raises(NightsegError, match=r"7\.png: the file is empty"):
        export_frames((HEIGHT, WIDTH), FrameOptions(calibrate=(str(images / "images"),)))


def test_without_images_the_proof_is_on_a_rendered_drive(tmp_path, capsys):
    folder = tiny.segmenter(tmp_path / "tiny_day").path
    assert main(["export", str(folder), "--out", str(tmp_path / "x"), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)["parity"]
    assert figures["of"] == "a rendered drive"
    assert figures["equal_share"] == 1
    assert np.isfinite(figures["miou"])
