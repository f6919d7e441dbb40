# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg data check`: what it says, and when it refuses."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from nightseg_ros.cli.main import main


@pytest.fixture
def bdd(tmp_path):
    """Write four sound frames in two splits and return the folder."""
    for split, names in (("train", "ab"), ("val", "cd")):
        for name in names:
            image = tmp_path / f"images/10k/{split}/{name}.jpg"
            label = tmp_path / f"labels/sem_seg/masks/{split}/{name}.png"
            for path, pixels in (
                (image, np.full((8, 12, 3), 100, np.uint8)),
                (label, np.repeat(np.array([[0, 0, 13, 255]], np.uint8), 3, axis=1).repeat(8, 0)),
            ):
                path.parent.mkdir(parents=True, exist_ok=True)
                assert cv2.imwrite(str(path), pixels)
    return tmp_path


def test_a_sound_set(bdd, capsys):
    assert main(["data", "check", str(bdd)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["train", "2", "cityscapes19", "12x8", "0", "100", "unknown", "2"] in lines
    assert ["road", "66.67", "/", "2", "66.67", "/", "2"] in lines
    assert ["sky", "-", "-"] in lines
    assert ["unlabelled", "(%", "of", "all", "pixels)", "25.0", "25.0"] in lines
    assert lines[-1] == ["verdict:", "sound"]


def test_as_json(bdd, capsys):
    assert main(["data", "check", f"bdd10k:{bdd}:val", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    (one,) = result["sets"]
    assert one["images"] == one["labelled"] == 2
    assert one["sizes"] == {"12x8": 2}
    assert one["classes"]["car"] == {"share": 33.33, "images": 2}
    assert one["void_share"] == 25.0
    assert one["mean_luma"] == pytest.approx(100, abs=1)
    assert result["exit_code"] == 0


def test_more_than_one_percent_bad_is_refused(bdd, capsys):
    (bdd / "images/10k/val/c.jpg").write_bytes(b"broken")
    (bdd / "labels/sem_seg/masks/train/a.png").unlink()
    assert main(["data", "check", str(bdd)]) == 1
    out = capsys.readouterr().out
    assert "c.jpg: is not an image" in out
    assert "a.jpg: has no label" in out
    assert "verdict: REFUSED, more than 1% bad" in out
    assert main(["data", "check", str(bdd), "--json"]) == 1


def test_the_label_set_can_be_named(bdd, capsys):
    assert main(["data", "check", str(bdd), "--labels", "camvid11"]) == 1
    assert "contains 13, which camvid11 does not have" in capsys.readouterr().out
    assert main(["data", "check", str(bdd), "--labels", "cityscapes_ids"]) == 0
    assert "cityscapes_ids" in capsys.readouterr().out


def test_the_sheet_is_written(bdd, capsys, tmp_path):
    sheet = tmp_path / "sheet.jpg"
    assert main(["data", "check", str(bdd), "--sheet", str(sheet), "--sheet-images", "1"]) == 0
    assert f"contact sheet: {sheet}" in capsys.readouterr().out
    assert cv2.imread(str(sheet)).shape[1] >= 640


def test_several_sets_at_once(bdd, capsys):
    assert main(["data", "check", f"bdd10k:{bdd}:val", f"unlabelled:{bdd}/images"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[1].split()[:3] == ["val", "2", "cityscapes19"]
    assert out.splitlines()[2].split()[:3] == ["images", "4", "none"]


def test_a_split_of_unknown_kind_is_named_and_the_others_are_checked(tmp_path, capsys):
    rows = [("good", "none"), ("odd", "made_up_kind")]
    header = "path,label_path,split,time_of_day,clip_id,label_kind"
    lines = [f"{split}/images/a.png,,val,day,,{kind}" for split, kind in rows]
    (tmp_path / "manifest.csv").write_text("\n".join([header, *lines]))
    for split, _ in rows:
        (tmp_path / split / "images").mkdir(parents=True)
        cv2.imwrite(str(tmp_path / split / "images/a.png"), np.zeros((8, 8, 3), np.uint8))
    assert main(["data", "check", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert out.splitlines()[1].split()[:3] == ["good", "1", "none"]
    assert "'odd' has label_kind made_up_kind; give one of" in out
    assert out.splitlines()[-1] == "verdict: 1 not read"
    assert main(["data", "check", f"nightseg:{tmp_path}:odd"]) == 2
    assert "'odd' has label_kind made_up_kind" in capsys.readouterr().err


def test_mistakes_are_one_line(tmp_path, capsys):
    assert main(["data", "check", f"kitti:{tmp_path}"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("nightseg: error: layout 'kitti' is unknown")
    assert error.count("\n") == 1


def test_help_lists_the_layouts(capsys):
    with pytest.raises(SystemExit):
        main(["data", "check", "--help"])
    out = capsys.readouterr().out
    for layout in ("bdd10k", "dark_zurich", "nightseg"):
        assert layout in out


def test_split_counts_and_links(tmp_path, capsys):
    for name, luma in (("a", 5), ("b", 200), ("c", 52)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((32, 32, 3), luma, np.uint8))
    out = tmp_path.parent / "split"
    assert main(["data", "split", f"unlabelled:{tmp_path}", "--out", str(out), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["sets"]
    assert row["measured"] == {"night": 1, "day": 1, "dusk": 1}
    links = {time: [p.name for p in (out / time).iterdir()] for time in ("day", "dusk", "night")}
    assert links == {"day": ["b.png"], "dusk": ["c.png"], "night": ["a.png"]}
