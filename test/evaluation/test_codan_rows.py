# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Results of classifiers become rows of the zero-shot table, or are refused with the reason."""

from __future__ import annotations

import json

import pytest

from nightseg_ros.cli.main import main
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.codan_rows import read_codan


@pytest.fixture
def result(tmp_path):
    path = tmp_path / "result.json"
    figures = {"top1/val": 80.0, "top1/test_day": 79.0, "top1/test_night": 61.25}
    path.write_text(json.dumps({"figures": figures}))
    return path


def test_top1_by_night_stands_beside_the_papers(result, tmp_path, capsys):
    assert read_codan([f"full={result}"]) == {"full": 61.25}
    absent = str(tmp_path / "none.csv")
    command = ["table", "min_max", "--sweep", absent, "--codan", f"full={result}"]
    assert main([*command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["min_max"]
    ours = {row["ours"]["training"]: row["ours"]["codan"] for row in rows if row["ours"]}
    assert ours["full"] == 61.25
    assert ours["day"] is None
    assert main(command) == 0
    (line,) = [
        x for x in capsys.readouterr().out.splitlines() if x.startswith("Similarity Min-Max  ")
    ]
    assert "65.87" in line
    assert "61.25" in line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("full", "write ROW=FILE"),
        ("fool={}", "row 'fool' is unknown; day, "),
        ("full={}x", "there is no .*x; train a classifier first"),
    ],
)
def test_what_names_no_result_is_refused(result, text, message):
    with pytest.raises(NightsegError, match=message):
        read_codan([text.format(result)])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "is no result of a training"),
        ('{"figures": {"top1/val": 3}}', "by night: none"),
        ('{"figures": {"top1/night_a": 3, "top1/night_b": 4}}', "night_a, night_b; need just one"),
    ],
)
def test_what_is_no_result_of_a_classifier_is_refused(result, content, message):
    result.write_text(content)
    with pytest.raises(NightsegError, match=message):
        read_codan([f"day={result}"])
