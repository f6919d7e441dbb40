# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores as text and as CSV."""

from __future__ import annotations

import csv

import pytest
from support.made_up_scores import made_up_scores

from nightseg_ros.labels.label_set import label_set
from nightseg_ros.report.scores_text import render_scores, save_csv

JOINT11 = label_set("joint11")


def test_as_text():
    scores = made_up_scores(8)
    text = render_scores(scores.to_dict(bootstrap=50))
    lines = text.splitlines()
    road = next(line.split() for line in lines if line.startswith("road"))
    assert road[1:3] == [f"{100 * scores.iou[0]:.1f}", f"{100 * scores.recall[0]:.1f}"]
    sky = next(line.split() for line in lines if line.startswith("sky"))
    assert sky[1] == "-"
    assert f"mIoU            {100 * scores.miou:.1f}  (95 % over images:" in text
    assert "over          5 classes present in the truth, of 11 in joint11" in text
    assert "labelled        95.0 % of the pixels of 8 images" in text
    assert "95 % over images" not in render_scores(made_up_scores(1).to_dict(bootstrap=50))


@pytest.mark.parametrize("bootstrap", [0, 50])
def test_as_csv(tmp_path, bootstrap):
    scores = made_up_scores(3)
    found = scores.to_dict(bootstrap)
    save_csv(tmp_path / "scores.csv", found)
    with (tmp_path / "scores.csv").open(newline="") as file:
        header, *lines = csv.reader(file)
    assert {len(line) for line in lines} == {len(header)}
    rows = {line[0]: dict(zip(header, line, strict=True)) for line in lines}
    low, high = rows["road"]["iou_95_low"], rows["road"]["iou_95_high"]
    spread = found["per_class"]["road"].get("iou_95")
    assert [low, high] == (["", ""] if spread is None else [str(x) for x in spread])
    low, high = rows["mean"]["iou_95_low"], rows["mean"]["iou_95_high"]
    assert [low, high] == [str(x) for x in found.get("miou_95", ["", ""])]
    assert (rows["sky"]["iou_95_low"], rows["sky"]["iou_95_high"]) == ("", "")
    assert list(rows) == [*JOINT11.names, "mean"]
    assert float(rows["road"]["iou"]) == pytest.approx(100 * scores.iou[0], abs=0.006)
    assert rows["sky"]["iou"] == ""
    assert float(rows["mean"]["iou"]) == pytest.approx(100 * scores.miou, abs=0.006)
