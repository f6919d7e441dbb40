# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From counts to lines and back: means, gains over the base, and damaged files."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.study.description import EvaluationSet, Study, Table, TableRow
from nightseg_ros.learning.study.plots import draw
from nightseg_ros.learning.study.results import (
    COLUMNS,
    Measured,
    keep_counts,
    lines_of,
    read_counts,
    read_lines,
    write_lines,
)
from nightseg_ros.learning.study.table import render_text, table_of
from nightseg_ros.metrics.scores import miou

TABLE = Table(
    tuple(TableRow(name, ours=name, at=index) for index, name in enumerate(("day", "full"))),
    {"night": ("interval", "gain"), "both": ()},
)
SETS = {
    "night": EvaluationSet(data="night"),
    "road": EvaluationSet(data="road", measure="recall"),
    "both": EvaluationSet(mean_of=("night", "road")),
    "top1": EvaluationSet(figure="top1/night"),
}


def study(**changes: object) -> Study:
    ways = {name: {"network": f"{name}.pt"} for name in ("day", "full")}
    values = {"measure": ways, "base": "day", "rounds": 50} | changes
    return Study("small", "small", (TABLE,), SETS, **values)


def measured(row: str, seed: int) -> Measured:
    rng = np.random.default_rng([len(row), seed])
    counts = {"night": rng.integers(1, 40, (5, 3, 4)), "road": np.array([[3 + seed, 10]] * 5)}
    return Measured(counts, {"top1": 50.0 + seed}, "tiny")


FOUND = {(row, seed): measured(row, seed) for row in ("day", "full") for seed in (0, 1)}


def value_of(row: str, seed: int) -> float:
    return 100 * float(miou(FOUND[row, seed].counts["night"].sum(axis=0)))


def test_gains_are_over_the_base_of_the_same_frames_and_seeds():
    lines = {(x["row"], x["seed"], x["set"]): x for x in lines_of(study(), FOUND)}
    for row, seed in FOUND:
        assert lines[row, seed, "night"]["value"] == pytest.approx(value_of(row, seed), abs=0.006)
    whole = lines["full", "all", "night"]
    gain = np.mean([value_of("full", seed) - value_of("day", seed) for seed in (0, 1)])
    assert whole["gain"] == pytest.approx(gain, abs=0.006)
    assert whole["gain_low"] <= whole["gain"] <= whole["gain_high"]
    assert lines["day", 1, "road"]["value"] == 40.0
    both = (lines["day", 1, "night"]["value"] + 40) / 2
    assert lines["day", 1, "both"]["value"] == pytest.approx(both, abs=0.006)
    assert lines["full", "all", "top1"]["value"] == 50.5


def test_seeds_widen_the_interval_when_they_are_drawn_too():
    def width(**changes: object) -> float:
        lines = lines_of(study(rounds=500, **changes), FOUND)
        line = next(x for x in lines if (x["row"], x["seed"], x["set"]) == ("day", "all", "road"))
        return line["high"] - line["low"]

    assert width() == 0  # all frames are alike
    assert width(over_seeds=True) == pytest.approx(10)


def test_a_row_whose_base_lacks_a_seed_has_no_gain_yet():
    part = {key: value for key, value in FOUND.items() if key != ("day", 1)}
    lines = {(x["row"], x["seed"], x["set"]): x for x in lines_of(study(), part)}
    assert "gain" not in lines["full", "all", "night"]
    assert lines["full", "all", "night"]["high"] is not None
    assert "gain" in lines["day", "all", "night"]


def test_lines_come_back_and_damaged_ones_are_named(tmp_path):
    path = tmp_path / "small.csv"
    lines = lines_of(study(), FOUND)
    write_lines(path, lines)
    back = read_lines(path)
    assert [x["value"] for x in back] == [x["value"] for x in lines]
    assert read_lines(tmp_path / "other.csv") == []
    header = ",".join(COLUMNS)
    for line, message in (("day,0,night,,140", "value is 140"), ("day,0,night,,x", "no number")):
        path.write_text(f"{header}\n{line},,,,,,tiny\n")
        with pytest.raises(NightsegError, match=rf"small\.csv:2: .*{message}"):
            read_lines(path)
    path.write_text("row,seed\n")
    with pytest.raises(NightsegError, match="there is no column set"):
        read_lines(path)


def test_counts_come_back_as_they_were_kept(tmp_path):
    path = tmp_path / "counts.npz"
    assert read_counts(path) is None
    keep_counts(path, {"night": np.arange(6).reshape(2, 3), "day": np.ones(1, np.int64)})
    found = read_counts(path)
    assert found is not None
    assert found["night"].tolist() == [[0, 1, 2], [3, 4, 5]]
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(NightsegError, match=r"counts\.npz is damaged .*; delete it"):
        read_counts(path)


def test_a_study_that_was_never_run_says_how(tmp_path):
    text = render_text(table_of(study(), [], tmp_path))
    assert "not measured; run `nightseg study run small`" in text


@pytest.mark.parametrize("kind", ["forest", "curve"])
def test_the_picture_is_drawn(tmp_path, kind):
    pytest.importorskip("matplotlib")
    draw(study(plot=kind), lines_of(study(), FOUND), tmp_path / "small.png")
    assert (tmp_path / "small.png").read_bytes().startswith(b"\x89PNG")
