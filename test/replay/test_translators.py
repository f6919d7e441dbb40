# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of translators: its figures, what is absent, and the file it leaves."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from support.made_up_data import make_data

from nightseg_ros.datasets.catalog import open_set
from nightseg_ros.replay.translators import Method, compare_methods, render_methods, save_methods

SIZE = (48, 80)


def segment(image: np.ndarray) -> np.ndarray:
    """Sees the road below and the sky above if there is light, else the road everywhere."""
    mask = np.zeros(image.shape[:2], np.uint8)
    if image.mean() > 60:
        mask[:24] = 10
    return mask


def brighten(image: np.ndarray) -> np.ndarray:
    return (image.astype(np.uint16) * 6).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    data = make_data(tmp_path_factory.mktemp("data"))
    sets = {
        "night": open_set(f"nightseg:{data}:bdd_labelled/val@night"),
        "dusk": open_set(f"nightseg:{data}:bdd_labelled/val@dusk,dark"),
        "recall": open_set(f"nightseg:{data}:night_drivable_val"),
    }
    ways = [
        Method("nothing"),
        Method("brighter", "made up", brighten, parameters=1_000_000, gmac=2.5),
        Method("lost", "lost.pt", absent="there is no lost.pt"),
    ]
    return compare_methods(ways, segment, SIZE, sets, bootstrap=10)


def test_a_way_that_helps_has_the_better_figures(rows):
    nothing, brighter, lost = rows
    assert brighter["night"] > nothing["night"] + 10
    assert brighter["dusk"] > nothing["dusk"] + 10
    assert nothing["recall"] == 100.0
    assert nothing["ms"] == 0.0
    assert brighter["ms"] >= 0.0
    assert nothing["ms_segmentation"] == brighter["ms_segmentation"]
    low, high = brighter["recall_95"]
    assert low <= brighter["recall"] <= high
    assert lost["night"] is None
    assert lost["ms"] is None


def test_the_text_reports_gains_and_what_is_absent(rows):
    about = {"rows": rows, "sets": {"night": "1 frame"}, "day_model": "day.pt"}
    text = render_methods({**about, "size": "80x48", "processor": "a CPU"})
    line = next(line for line in text.splitlines() if line.startswith("brighter"))
    assert f"{rows[1]['night'] - rows[0]['night']:+.2f}" in line
    assert "1.00 M" in line
    assert "2.50" in line
    assert "absent: lost: there is no lost.pt" in text


def test_the_file_holds_every_row(rows, tmp_path):
    save_methods(tmp_path / "rows.csv", rows)
    with (tmp_path / "rows.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [row["name"] for row in read] == ["nothing", "brighter", "lost"]
    assert float(read[1]["night"]) == rows[1]["night"]
    assert " to " in read[1]["recall_95"]
    assert read[2]["absent"] == "there is no lost.pt"
    assert read[2]["night"] == ""
