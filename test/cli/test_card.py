# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import yaml
from support import models as tiny
from support.made_up_data import make_data

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.cli.main import main
from nightseg_ros.replay.card import CARD_SETS


@pytest.fixture
def models(tmp_path, monkeypatch):
    folder = tiny.models_folder(tmp_path / "models")
    monkeypatch.setenv("NIGHTSEG_MODELS", str(folder))
    return folder


def test_a_card_holds_the_figures_that_evaluate_prints(tmp_path, models, capsys):
    data = make_data(tmp_path / "data")
    day = next(path for path in models.iterdir() if Bundle.load(path).role == "day")
    before = Bundle.load(day)
    assert main(["card", day.name, "--data", str(data), "--note", "A toy."]) == 0
    printed = capsys.readouterr().out
    after = Bundle.load(day)
    assert after.sha256 == before.sha256
    assert set(after.metrics) == {*CARD_SETS, "note"}
    night = after.metrics["bdd_night_val"]
    spec = f"nightseg:{data}:bdd_labelled/val@night"
    assert main(["evaluate", "--data", spec, "--model", day.name, "--json"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["miou"] == night["miou"]
    card = (day / "README.md").read_text()
    assert card in printed
    assert f"| BDD100K val, night | 1 | {night['miou']:.1f} |" in card
    assert "A toy." in card
    assert "road recall" in card
    assert main(["card", day.name, "--data", str(data)]) == 0
    assert Bundle.load(day).metrics["note"] == "A toy."


def test_without_images_there_is_one_clear_error(models, monkeypatch, capsys):
    monkeypatch.delenv("NIGHTSEG_DATA", raising=False)
    name = next(path.name for path in models.iterdir())
    assert main(["card", name]) == 2
    assert "set NIGHTSEG_DATA" in capsys.readouterr().err


def test_the_figures_of_the_export_stay(tmp_path, models, capsys):
    figures = {"precision": "int8", "frames": 9, "equal_share": 0.9854, "nan_count": 0}
    day = tiny.segmenter(models / "tiny_day", metrics={"parity": figures}).path
    assert main(["card", "tiny_day", "--data", str(make_data(tmp_path / "data"))]) == 0
    assert Bundle.load(day).metrics["parity"] == figures
    assert "Precision int8." in capsys.readouterr().out
    assert "98.54 % of the pixels equal" in (day / "README.md").read_text()


def test_times_are_written_and_kept(tmp_path, models, capsys):
    day = tiny.segmenter(models / "tiny_day", also=("night",)).path
    card = ["card", "tiny_day", "--data", str(make_data(tmp_path / "data"))]
    assert main([*card, "--ms", "onnxruntime-cpu=34.5,openvino=20"]) == 0
    assert main([*card, "--ms", "openvino=21"]) == 0
    after = Bundle.load(day)
    assert after.metrics["milliseconds"] == {"onnxruntime-cpu": 34.5, "openvino": 21.0}
    assert after.also == ("night",)
    for wrong in ("34", "openvino=fast", "openvino=-1", "=3"):
        with pytest.raises(SystemExit):
            main([*card, "--ms", wrong])
        assert "write ENGINE=MS" in capsys.readouterr().err
