# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg evaluate`: real engines on a made-up set whose every pixel can be predicted."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from support import models as tiny

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.cli.main import main
from nightseg_ros.engines.select import create_engine
from nightseg_ros.labels.label_set import label_set
from nightseg_ros.labels.lookup import lookup
from nightseg_ros.perception.pipeline import Pipeline


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)


def frames() -> list[np.ndarray]:
    """Return RGB frames of the size that the tiny networks take, one of them dark."""
    rng = np.random.default_rng(0)
    shape = (tiny.HEIGHT, tiny.WIDTH, 3)
    return [rng.integers(0, top, shape).astype(np.uint8) for top in (256, 256, 20)]


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Write the tiny models and make them the models of this installation."""
    folder = tiny.models_folder(tmp_path / "models")
    monkeypatch.setenv("NIGHTSEG_MODELS", str(folder))
    return folder


@pytest.fixture
def data(tmp_path):
    """Write frames whose labels are what the tiny day model must give."""
    for number, image in enumerate(frames()):
        write(tmp_path / f"data/images/{number}.png", image[..., ::-1])
        write(tmp_path / f"data/labels/{number}.png", tiny.expected_mask(image, seed=0))
    return tmp_path / "data"


@pytest.fixture
def roads(tmp_path):
    """Write the same frames with a drivable half."""
    mask = np.full((tiny.HEIGHT, tiny.WIDTH), 2, np.uint8)
    mask[tiny.HEIGHT // 2 :] = 0
    for number, image in enumerate(frames()):
        write(tmp_path / f"roads/images/100k/val/{number}.jpg", image[..., ::-1])
        write(tmp_path / f"roads/labels/drivable/masks/val/{number}.png", mask)
    return tmp_path / "roads"


def evaluated(capsys, *args: object) -> dict:
    assert main(["evaluate", *map(str, args), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_labels_of_a_model_are_perfect_for_it(models, data, capsys):
    result = evaluated(capsys, "--data", data, "--model", "tiny_day")
    assert (result["label_set"], result["miou"], result["images"]) == ("joint11", 100.0, 3)
    assert result["route"] == "day"
    assert result["models"] == {"day": "tiny_day"}
    assert result["engines"]["day"]["backend"] == "onnxruntime"
    assert result["median_ms"] > 0


def test_another_model_scores_what_its_masks_score(models, data, capsys):
    result = evaluated(
        capsys, "--data", data, "--model", "tiny_night", "--label-set", "cityscapes19"
    )
    right = [
        (tiny.expected_mask(image, seed=0) == tiny.expected_mask(image, seed=1)).mean()
        for image in frames()
    ]
    assert result["route"] == "night"
    assert result["pixel_accuracy"] == pytest.approx(100 * np.mean(right), abs=0.01)
    assert result["miou"] < 50


def test_withheld_pixels_count_as_missed(models, data, capsys):
    args = ("--data", data, "--model", "tiny_day")
    confident = evaluated(capsys, *args, "--confidence-threshold", "0")
    assert confident["withheld"] is None
    nothing_left = evaluated(capsys, *args, "--confidence-threshold", "1")
    shown = 1 - nothing_left["withheld"]
    assert 0 <= shown < 0.5
    assert nothing_left["pixel_accuracy"] == pytest.approx(100 * shown, abs=0.5)
    assert main(["evaluate", *map(str, args), "--confidence-threshold", "1"]) == 0
    assert f"withheld {100 * (1 - shown):.1f} % of the pixels" in capsys.readouterr().out


def test_it_agrees_with_scoring_the_masks_as_files(models, data, tmp_path, capsys):
    pipeline = Pipeline({"night": create_engine(Bundle.load(models / "tiny_night"))})
    for number, image in enumerate(frames()):
        write(tmp_path / f"masks/{number}.png", pipeline.process(image, "rgb").mask)
    ours = evaluated(capsys, "--data", data, "--model", "tiny_night", "--bootstrap", 20)
    folders = ["--pred", str(tmp_path / "masks"), "--gt", str(data / "labels")]
    assert main(["score", *folders, "--joint11", "--bootstrap", "20", "--json"]) == 0
    theirs = json.loads(capsys.readouterr().out)
    assert {key: ours[key] for key in theirs} == theirs


def test_models_can_be_folders(models, data, capsys, monkeypatch):
    monkeypatch.setenv("NIGHTSEG_MODELS", "/nowhere")
    assert evaluated(capsys, "--data", data, "--model", models / "tiny_day")["miou"] == 100.0


def test_translate_runs_the_translator_in_front(models, data, capsys):
    result = evaluated(capsys, "--data", data, "--model", "tiny_translator")
    assert result["route"] == "translate"
    assert result["models"] == {"day": "tiny_day", "translator": "tiny_translator"}
    right = []
    for image in frames():
        brighter = np.minimum(image.astype(int) + tiny.BRIGHTER, 255).astype(np.uint8)
        right.append((tiny.expected_mask(brighter) == tiny.expected_mask(image)).mean())
    assert result["pixel_accuracy"] == pytest.approx(100 * np.mean(right), abs=0.01)


def test_auto_chooses_for_each_frame_afresh(models, data, capsys):
    args = ("--data", data, "--model", "tiny_day", "--model", "tiny_night", "--route", "auto")
    result = evaluated(capsys, *args)
    assert result["routes"] == {"day": 2, "night": 1}
    assert evaluated(capsys, *args[:-2])["route"] == "auto"
    assert main(["evaluate", *map(str, args)]) == 0
    assert "route   auto (day 2, night 1)" in capsys.readouterr().out


def test_without_a_name_the_models_folder_is_chosen_from(models, data, capsys):
    result = evaluated(capsys, "--data", data, "--route", "night")
    assert result["models"] == {"night": "tiny_night"}
    assert set(evaluated(capsys, "--data", data)["models"]) == {"day", "night", "translator"}


def test_drivable_sets_give_recall(models, roads, capsys):
    result = evaluated(capsys, "--data", roads, "--model", "tiny_day")
    pipeline = Pipeline({"day": create_engine(Bundle.load(models / "tiny_day"))})
    found = 0
    for number in range(3):
        image = cv2.imread(str(roads / f"images/100k/val/{number}.jpg"))
        found += (pipeline.process(image, "bgr").mask[tiny.HEIGHT // 2 :] == 0).sum()
    share = found / (3 * tiny.HEIGHT // 2 * tiny.WIDTH)
    assert result["drivable_recall"] == pytest.approx(100 * share, abs=0.01)
    assert main(["evaluate", "--data", str(roads), "--model", "tiny_day"]) == 0
    assert "drivable recall" in capsys.readouterr().out


def test_models_may_have_their_own_label_set(tmp_path, data, capsys):
    tiny.segmenter(tmp_path / "joint", labels=label_set("joint11"))
    result = evaluated(capsys, "--data", data, "--model", tmp_path / "joint")
    assert result["label_set"] == "joint11"
    assert result["images"] == 3


def test_as_text_and_csv(models, data, tmp_path, capsys):
    table = tmp_path / "table.csv"
    args = ["evaluate", "--data", str(data), "--model", "tiny_day", "--csv", str(table)]
    assert main(args) == 0
    out = capsys.readouterr().out
    assert "models  tiny_day (day)" in out
    assert "mIoU            100.0" in out
    with table.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert {len(row) for row in rows} == {len(header)} == {8}
    assert dict(zip(header, rows[-1], strict=True))["iou"] == "100.0"


def test_a_report_shows_the_worst_images_first(models, data, tmp_path, capsys):
    out = tmp_path / "out"
    result = evaluated(capsys, "--data", data, "--model", "tiny_night", "--out", out)
    assert json.loads((out / "evaluate.json").read_text()) == result
    with (out / "images.csv").open(newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    right = {}
    for number, image in enumerate(frames()):
        table = lookup("cityscapes19", "joint11")
        masks = [table[tiny.expected_mask(image, seed=seed)] for seed in (0, 1)]
        known = masks[0] != 255
        right[str(number)] = (masks[0] == masks[1])[known].mean()
    for name, share in right.items():
        assert float(rows[name]["right"]) == pytest.approx(share, abs=1e-5)
        assert rows[name]["route"] == "night"
    page = (out / "report.html").read_text()
    shown = re.findall(r"<span>image <b>(\d)</b></span>", page)
    assert shown == sorted(right, key=right.get)
    assert "where the mask is wrong" in page
    assert result["models_sha256"]["night"] in page


def test_reports_of_drivable_sets(models, roads, tmp_path, capsys):
    out = tmp_path / "out"
    result = evaluated(capsys, "--data", roads, "--model", "tiny_day", "--out", out)
    page = (out / "report.html").read_text()
    assert f"{result['drivable_recall']:.1f} %" in page
    assert "Confusion" not in page


def test_a_submission_needs_no_labels(models, tmp_path, capsys):
    image = cv2.resize(frames()[0], (1920, 1080), interpolation=cv2.INTER_NEAREST)
    folder = tmp_path / "rgb_anon/test/night/GOPR0364"
    write(folder / "GOPR0364_frame_000001_rgb_anon.png", image[..., ::-1])
    out = tmp_path / "submission"
    args = ["--data", f"dark_zurich:{tmp_path}:test/night", "--model", "tiny_day"]
    result = evaluated(capsys, *args, "--submission", out, "--invalid-below", 0.5)
    assert result["images"] == 1
    assert "miou" not in result
    assert Path(result["submission"]).is_file()
    name = "GOPR0364_frame_000001_rgb_anon.png"
    kinds = ("labelTrainIds", "labelTrainIds_invalid", "confidence")
    ids, unsure, sure = (cv2.imread(str(out / kind / name), cv2.IMREAD_UNCHANGED) for kind in kinds)
    pipeline = Pipeline({"day": create_engine(Bundle.load(models / "tiny_day"))})
    expected = pipeline.process(image, "rgb", want_confidence=True)
    assert np.array_equal(ids, expected.mask)
    assert np.array_equal(sure, expected.confidence * np.uint16(257))
    assert ((unsure == 255) == (expected.confidence < 128)).all()
    assert 0.1 < (unsure == 255).mean() < 0.9
    assert main(["evaluate", *args, "--submission", str(tmp_path / "again")]) == 0
    assert "submission of 1 images" in capsys.readouterr().out
    assert main(["evaluate", *args, "--submission", str(out)]) == 2
    assert "contains another submission" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--model", "nothing"], "there is no model 'nothing' in .*; it contains tiny_day"),
        (["--model", "./nothing"], "nothing contains no model.yaml; name the folder of a model"),
        (["--model", "tiny_nihgt"], "did you mean 'tiny_night'?"),
        (["--model", "tiny_day", "--model", "tiny_day"], "both for 'day'"),
        (["--model", "tiny_day", "--route", "night"], "route night does not use tiny_day"),
        (["--model", "tiny_day", "--label-set", "camvid11"], "no map from label set"),
    ],
)
def test_mistakes(models, data, capsys, args, said):
    assert main(["evaluate", "--data", str(data), *args]) == 2
    error = capsys.readouterr().err
    assert re.search(said, error), error


def test_an_unlabelled_set_is_refused(models, data, capsys):
    assert main(["evaluate", "--data", f"{data}/images", "--model", "tiny_day"]) == 2
    assert "is unlabelled" in capsys.readouterr().err


def test_bad_files_stop_an_evaluation(models, data, capsys):
    (data / "images/0.png").write_bytes(b"broken")
    assert main(["evaluate", "--data", str(data), "--model", "tiny_day"]) == 2
    assert "1 of 3 files are bad" in capsys.readouterr().err
