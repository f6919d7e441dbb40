# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The NiSeNet table: intervals from counts, and the text that is printed."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from nightseg_ros.cli.main import main
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.nisenet_rows import ROWS
from nightseg_ros.evaluation.nisenet_table import NOT_MEASURED, nisenet, render_nisenet
from nightseg_ros.learning.nisenet_results import write_results

SETS = ("bdd_labelled_val@night", "bdd_labelled_val@day")


def image(right: int) -> np.ndarray:
    """Counts of 100 pixels of two classes, `right` of them right."""
    counts = np.zeros((11, 12), np.int64)
    counts[0, 0], counts[0, 1], counts[1, 1] = right, 50 - right, 50
    return counts


def measured(row: str, seed: int) -> np.ndarray:
    """Frames of very different difficulty; `patch` is a little better on each."""
    gain = 4 if row == "patch" else 0
    return np.stack([image(r + gain + seed) for r in (2, 10, 20, 40)])


@pytest.fixture
def results(tmp_path):
    rows = [row for row in ROWS if row not in ("deeplab", "synthetic")]
    counts = {
        seed: {f"{row}/{name}": measured(row, seed) for name in SETS for row in rows}
        for seed in (0, 1)
    }
    path = tmp_path / "config" / "results" / "nisenet.csv"
    path.parent.mkdir(parents=True)
    (tmp_path / "models").mkdir()
    write_results(path, counts, "tiny", 200)
    return path


def test_the_table_is_read_and_printed(results, capsys):
    models = results.parents[2] / "models"
    assert main(["table", "nisenet", "--models", str(models), "--json"]) == 0
    rows = {row["row"]: row for row in json.loads(capsys.readouterr().out)["nisenet"]}
    assert list(rows) == [row for row in ROWS if row not in ("deeplab", "synthetic")]
    assert rows["patch"]["night"]["seeds"] == 2
    assert rows["patch"]["night"]["images"] == 4
    assert rows["patch"]["dusk"] is None
    assert main(["table", "nisenet", "--sweep", str(results)]) == 0
    out = capsys.readouterr().out
    assert "no table of figures" in " ".join(out.split())
    line = next(line for line in out.splitlines() if line.startswith("patch"))
    night = rows["patch"]["night"]
    assert f"{night['miou']:.1f}+-{night['std']:.1f}" in line
    assert f"{night['gain']:+.1f}" in line
    assert f"{night['gain_low']:+.1f} to {night['gain_high']:+.1f}" in line
    assert NOT_MEASURED in line
    assert "4 night, 4 day, 0 dusk" in out
    assert "our scale: tiny" in out


def test_what_was_not_measured_is_said(tmp_path):
    text = render_nisenet(nisenet(tmp_path / "none.csv", tmp_path / "none.json"))
    assert "run `nightseg train config/recipes/nisenet.yaml`" in text
    assert text.count(NOT_MEASURED) > 7


def test_controls_are_shown_where_they_were_trained(tmp_path):
    path = tmp_path / "nisenet.csv"
    counts = {0: {f"{row}/{SETS[0]}": measured(row, 0) for row in ROWS}}
    write_results(path, counts, "tiny", 20)
    result = nisenet(path, tmp_path / "none.json")
    assert [row["row"] for row in result["nisenet"]] == list(ROWS)
    assert result["nisenet"][0]["night"]["std"] is None
    assert "+-" not in render_nisenet(result).splitlines()[3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"miou": "140"}, "miou is 140.0"),
        ({"miou": ""}, "holds no number"),
        ({"low": "x"}, "holds no number"),
    ],
)
def test_files_that_hold_no_percent_are_refused(results, change, message):
    with results.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[1].update(change)
    with results.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(NightsegError, match=message):
        nisenet(results, results.with_name("none.json"))


def test_a_file_without_its_columns_is_refused(tmp_path):
    path = tmp_path / "nisenet.csv"
    path.write_text("row,seed\n")
    with pytest.raises(NightsegError, match="no column set"):
        nisenet(path, tmp_path / "none.json")
