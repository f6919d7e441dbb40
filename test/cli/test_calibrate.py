# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg calibrate`: from frames to a model.yaml that every pipeline goes by."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from support import models as tiny

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.cli import calibrate
from nightseg_ros.cli.main import main


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    folder = tiny.models_folder(tmp_path / "models")
    monkeypatch.setenv("NIGHTSEG_MODELS", str(folder))
    return folder


@pytest.fixture
def data(tmp_path) -> Path:
    """Write frames whose labels are the masks of the tiny day model; a third of them wrong."""
    rng = np.random.default_rng(1)
    for number in range(6):
        image = rng.integers(0, 256, (tiny.HEIGHT, tiny.WIDTH, 3)).astype(np.uint8)
        label = tiny.expected_mask(image, seed=0)
        label[: tiny.HEIGHT // 3] = (label[: tiny.HEIGHT // 3] + 1) % 19
        for folder, pixels in (("images", image[..., ::-1]), ("labels", label)):
            (tmp_path / "data" / folder).mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(tmp_path / "data" / folder / f"{number}.png"), pixels)
    return tmp_path / "data"


def evaluated(data: Path, capsys) -> dict:
    words = ["evaluate", "--data", str(data), "--model", "tiny_day", "--label-set", "cityscapes19"]
    assert main([*words, "--bootstrap", "0", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_model_is_calibrated_and_used(models, data, tmp_path, capsys):
    before, card = Bundle.load(models / "tiny_day"), models / "tiny_day" / "README.md"
    card.write_text("# My card\n")
    (models / "tiny_day" / "model.yaml.minisig").write_text("old")
    raw = evaluated(data, capsys)
    assert raw["calibrated"] == []
    words = ["calibrate", "tiny_day", "--data", str(data), "--label-set", "cityscapes19"]
    assert main([*words, "--exposures", "0.5", "--no-relit"]) == 0
    printed = capsys.readouterr().out
    assert "6; fitted with 6 night copies of them, none of them relit" in printed
    assert "model.yaml.minisig no longer matches: sign model.yaml again" in printed
    after = Bundle.load(models / "tiny_day")
    assert after.sha256 == before.sha256
    assert card.read_text() == "# My card\n"
    assert after.calibration is not None
    figures = after.calibration.measured["not_fitted_on"]["all"]
    assert figures["error"] == pytest.approx(100 / 3, abs=0.1)
    assert figures["ece"] < 5 < figures["ece_before"]
    now = evaluated(data, capsys)
    assert now["calibrated"] == ["day"]
    assert now["confidence"]["ece"] < 5 < raw["confidence"]["ece"] == figures["ece_before"]
    assert now["miou"] == raw["miou"]


def test_it_stores_what_the_model_knows(models, data, capsys):
    words = ["calibrate", "tiny_night", "--data", str(data), "--label-set", "cityscapes19"]
    assert main([*words, "--exposures", "0.2", "0.1", "--no-relit", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["known_frames"] == 18
    domain = Bundle.load(models / "tiny_night").domain
    assert domain is not None
    assert (domain.measured["frames"], domain.measured["copies"]) == (6, 12)
    words[1] = "tiny_day"  # knows no night, and six frames are too few
    assert main([*words, "--exposures", "0.2", "0.1", "--no-relit"]) == 0
    assert "no novelty: the frames of its lights are too few" in capsys.readouterr().out
    assert Bundle.load(models / "tiny_day").domain is None


def test_evaluate_and_report_show_it(models, data, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["evaluate", "--data", str(data), "--model", "tiny_day", "--out", str(out)]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "calibrated      none, run `nightseg calibrate`" in printed
    for name in ("ECE ", "AUSE ", "UIoU ", "of 80 %", "confidence  right"):
        assert name in printed
    page = (out / "report.html").read_text()
    assert "Pixels right, %, over confidence" in page
    assert "Pixels wrong, %, over the share that is kept" in page


def test_relit_copies_are_made_where_torch_is(models, data, capsys, monkeypatch):
    words = ["calibrate", "tiny_day", "--data", str(data), "--exposures", "--json"]
    monkeypatch.setattr(calibrate, "_relight", lambda: lambda image, *_: image // 2)
    assert main(words) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["copies"], result["relit"]) == (12, True)
    monkeypatch.setattr(calibrate, "_relight", lambda: None)
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["relit"] is False


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["tiny_translator"], "tiny_translator is a translation model, which has no confidence"),
        (["tiny_day", "--exposures", "2"], "--exposures are [2.0]; give values between 0 and 1"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(models, data, words, fault, capsys):
    assert main(["calibrate", *words, "--data", str(data)]) == 2
    assert fault in capsys.readouterr().err


def test_a_set_without_classes_is_refused(models, data, capsys):
    (data / "labels").rename(data.parent / "gone")
    assert main(["calibrate", "tiny_day", "--data", f"unlabelled:{data}"]) == 2
    assert "has no class labels; give a labelled set" in capsys.readouterr().err
