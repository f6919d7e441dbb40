# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tables have the figures that they had before studies were files.

golden/ holds what was printed then. Where a study is run anew, its golden files go.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from nightseg_ros.bundles.models_folder import default_models_dir
from nightseg_ros.learning.study.description import load_study, results_file
from nightseg_ros.learning.study.results import read_lines
from nightseg_ros.learning.study.table import model_lines, render_markdown, render_text, table_of

GOLDEN = Path(__file__).with_name("golden")
FIGURE = re.compile(r"(?<![\w.])[+-]?\d+\.\d+(?:\+-\d+\.\d+)?(?![\w.])")


def table(name: str) -> dict:
    return table_of(load_study(name), read_lines(results_file(name)), default_models_dir())


def golden(name: str) -> dict:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def same(before: dict | None, now: dict | None) -> bool:
    """Whether all figures of one cell are as they were.

    A mean was one of rounded figures in some tables; now it is that of the figures themselves.
    """
    if before is None or now is None:
        return before is now
    figures = {"mean" if key == "miou" else key: value for key, value in before.items()}
    return now["mean"] == pytest.approx(figures.pop("mean"), abs=0.0101) and all(
        now[key] == value for key, value in figures.items()
    )


def test_thesis():
    result, before = table("thesis"), golden("thesis")
    rows = result["tables"][0]["rows"]
    assert len(rows) == len(before["rows"]) == 20
    for now, was in zip(rows, before["rows"], strict=True):
        assert (now["id"], now["what"], now["paper"]) == (
            was["id"],
            was["configuration"],
            was["paper"],
        )
        assert (now["row"], now["instead"]) == (was["ours"]["training"], was["ours"]["instead"])
        for name in ("night", "converted", "day", "recall"):
            assert same(was["ours"][name], now["ours"][name]), (now["id"], name)
    assert result["scales"] == before["scales"]


def test_both_studies_of_min_max_have_the_same_published_figures():
    theirs = {
        row["row"]: row["paper"]["CODaN"]
        for row in table("min_max")["tables"][0]["rows"]
        if row["row"] and "CODaN" in row["paper"]
    }
    rows = table("min_max_codan")["tables"][0]["rows"]
    assert len(rows) == 9
    assert all(row["paper"]["CODaN"] == theirs[row["row"]] for row in rows)


def test_nisenet_and_fused():
    result, before = table("nisenet"), golden("nisenet")
    for now, was in zip(result["tables"][0]["rows"], before["nisenet"], strict=True):
        assert now["row"] == was["row"]
        for name in ("night", "day", "dusk"):
            assert same(was[name], now["ours"][name]), (now["row"], name)
    assert (result["base"], result["scales"]) == (before["base"], before["scales"])
    renamed = {
        "day_network": "miou_first",
        "night_network": "miou_second",
        "mean": "miou_mean",
        "fused": "miou",
    }
    for row in table("fused")["tables"][0]["rows"]:
        figures = {name: one["mean"] for name, one in row["ours"].items()}
        assert figures == before["fused"][renamed[row["row"]]]


def test_figures_of_models_are_those_of_their_folders():
    models = {
        (line["row"], line["set"]): line["value"] for line in model_lines(default_models_dir())
    }
    rows = table("see_clearer")["tables"][1]["rows"]
    assert len(rows) == 9
    for row in rows:
        for key, one in row["ours"].items() if row["row"] else ():
            assert one["mean"] == models[row["row"], key]


@pytest.mark.parametrize("name", ["thesis", "nisenet"])
def test_every_figure_of_the_old_text_is_in_the_new_one(name):
    before = Counter(FIGURE.findall((GOLDEN / f"{name}.txt").read_text()))
    texts = [render_text(table(name))]
    if name == "nisenet":
        texts.append(render_text(table("fused")).replace("+0.0", "+0.01"))
    # Of the base a gain of 0 was printed in one table, and "-" in the others.
    missing = before - Counter(FIGURE.findall("\n".join(texts)))
    assert set(missing) <= {"+0.0"}


def test_markdown_has_the_same_cells():
    result = table("thesis")
    line = next(x for x in render_markdown(result).splitlines() if x.startswith("| 8.3"))
    text = next(x for x in render_text(result).splitlines() if x.startswith("8.3"))
    assert line.strip("| ").split(" | ") == re.split(r"\s{2,}", text)
