# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg score`: figures that can be worked out by hand."""

from __future__ import annotations

import csv
import json

import cv2
import numpy as np
import pytest

from nightseg_ros.cli.main import main


def write(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.array(rows, np.uint8))


@pytest.fixture
def folders(tmp_path):
    """Return pred and gt with one car taken for a truck, and one road pixel for nothing."""
    write(tmp_path / "gt/a.png", [0, 0, 13, 13], [10, 10, 255, 255])
    write(tmp_path / "pred/a.png", [0, 255, 13, 14], [10, 10, 0, 1])
    return ["score", "--pred", str(tmp_path / "pred"), "--gt", str(tmp_path / "gt")]


def scores(capsys, *args):
    assert main([*args, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_scores(folders, capsys):
    result = scores(capsys, *folders, "--labels", "cityscapes19")
    assert result["label_set"] == "cityscapes19"
    assert result["miou"] == pytest.approx(100 * (1 / 2 + 1 / 2 + 1) / 3, abs=0.01)
    assert result["miou_all"] == pytest.approx(100 * 2 / 19, abs=0.01)
    assert result["pixel_accuracy"] == pytest.approx(100 * 4 / 6, abs=0.01)
    assert result["labelled_share"] == 75.0


def test_in_joint_classes_a_truck_is_as_good_as_a_car(folders, capsys):
    result = scores(capsys, *folders, "--labels", "cityscapes19", "--joint11")
    assert result["label_set"] == "joint11"
    assert result["miou"] == pytest.approx(100 * (1 / 2 + 1 + 1) / 3, abs=0.01)


def test_as_text(folders, capsys):
    assert main([*folders, "--labels", "cityscapes19", "--bootstrap", "10"]) == 0
    out = capsys.readouterr().out
    assert "mIoU            66.7" in out
    assert "over          3 classes present in the truth, of 19 in cityscapes19" in out


def test_two_images_have_an_interval(folders, tmp_path, capsys):
    write(tmp_path / "gt/b.png", [0, 0])
    write(tmp_path / "pred/b.png", [0, 0])
    result = scores(capsys, *folders, "--bootstrap", "50", "--seed", "3")
    low, high = result["miou_95"]
    assert low <= result["miou"] <= high


def test_masks_of_different_sets(tmp_path, capsys):
    write(tmp_path / "gt/a.png", [3, 0, 8, 10])  # road, sky, car, bicyclist in CamVid
    write(tmp_path / "pred/a.png", [0, 10, 13, 0])
    folders = ["--pred", str(tmp_path / "pred"), "--gt", str(tmp_path / "gt")]
    result = scores(
        capsys, "score", *folders, "--labels", "camvid11", "--pred-labels", "cityscapes19"
    )
    assert (result["label_set"], result["miou"]) == ("cityscapes19", 100.0)


def test_raw_label_ids_are_scored_in_train_ids(tmp_path, capsys):
    write(tmp_path / "gt/a_gtFine_labelIds.png", [7, 4, 26])
    write(tmp_path / "pred/a.png", [7, 7, 26])
    folders = ["--pred", str(tmp_path / "pred"), "--gt", str(tmp_path / "gt")]
    result = scores(capsys, "score", *folders, "--labels", "cityscapes_ids")
    assert (result["label_set"], result["miou"]) == ("cityscapes19", 100.0)


def test_another_size_is_resized_only_when_asked(folders, tmp_path, capsys):
    write(tmp_path / "pred/a.png", [0, 13])
    write(tmp_path / "gt/a.png", [0, 0, 13, 13], [0, 0, 13, 13])
    assert main(folders) == 2
    assert "a.png is 2x1, its truth 4x2; give masks at full size, or --resize" in (
        capsys.readouterr().err
    )
    assert scores(capsys, *folders, "--resize")["miou"] == 100.0


def test_drivable(tmp_path, capsys):
    write(tmp_path / "gt/a.png", [1, 1, 1, 1, 0, 0])
    write(tmp_path / "pred/a.png", [0, 0, 0, 1, 0, 10])
    folders = ["--pred", str(tmp_path / "pred"), "--gt", str(tmp_path / "gt")]
    result = scores(capsys, "score", *folders, "--drivable")
    assert result["drivable_recall"] == 75.0
    assert main(["score", *folders, "--drivable"]) == 0
    assert capsys.readouterr().out.startswith("drivable recall  75.0")
    assert main(["score", *folders, "--drivable", "--joint11"]) == 2


def test_drivable_as_bdd_stores_it(tmp_path, capsys):
    write(tmp_path / "gt/a_drivable_id.png", [1, 2, 0])
    write(tmp_path / "pred/a.png", [0, 1, 0])
    folders = ["--pred", str(tmp_path / "pred"), "--gt", str(tmp_path / "gt")]
    result = scores(capsys, "score", *folders, "--drivable", "--labels", "bdd_drivable_maps")
    assert result["drivable_recall"] == 50.0


def test_the_table_as_csv(folders, tmp_path, capsys):
    scores(capsys, *folders, "--csv", str(tmp_path / "table.csv"))
    with (tmp_path / "table.csv").open(newline="") as file:
        rows = {row["class"]: row["iou"] for row in csv.DictReader(file)}
    assert rows["car"] == "50.0"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--labels", "cityscapes"], "label set 'cityscapes' is unknown"),
        (["--labels", "camvid11"], "id 13 is not in label set camvid11"),
        (["--joint11", "--label-set", "cityscapes19"], "exclude each other"),
        (["--pred", "/nowhere"], "there is no folder /nowhere with predictions"),
    ],
)
def test_mistakes(folders, capsys, options, said):
    assert main([*folders, *options]) == 2
    assert said in capsys.readouterr().err
