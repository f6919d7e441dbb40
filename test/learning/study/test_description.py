# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A study file: what it names is there, and what does not fit is one clear error."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.study.description import (
    Task,
    load_study,
    studies_dir,
    tasks_of,
)

SHIPPED = sorted(path.stem for path in studies_dir().glob("*.yaml"))

PATCH = {"channels": ["a", "b"], "fuse": "patch"}


def small() -> dict:
    return {
        "name": "small",
        "title": "small",
        "base": "day",
        "seeds": [3, 4],
        "given": {
            "pool": "unlabelled:{data}/pool",
            "other": "",
            "both": [{"data": "{pool}"}, "{seed}"],
        },
        "sets": {"night": {"data": "nightseg:{data}:val@night"}},
        "steps": {
            "near": {"do": "select", "once": True, "images": "{pool}", "like": "x", "count": 1},
            "day": {"recipe": "day.yaml", "set": {"steps": 5}},
            "night": {"like": "day", "set": {"init": "{day}/model.pt", "train": "{both}"}},
            "more": {"like": "night", "set": {"train": ["{near}", "{other}"]}},
        },
        "tables": [
            {
                "ours": {"night": []},
                "rows": [{"what": x, "ours": x} for x in ("day", "night", "more")],
            }
        ],
    }


@pytest.fixture
def load(tmp_path: Path):
    def write(change=lambda data: None, overrides=()):
        data = small()
        change(data)
        (tmp_path / "small.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
        return load_study(str(tmp_path / "small.yaml"), overrides)

    return write


def folder(name: str) -> Path:
    return Path("/out") / name


def test_places_are_filled_and_data_stays(load):
    study = load()
    assert study.fill(study.steps["night"], folder, 4)["set"] == {
        "steps": 5,
        "init": "/out/day/model.pt",
        "train": [{"data": "unlabelled:{data}/pool"}, "4"],
    }
    assert study.way("day") == {"network": "{day}/model.pt"}


def test_what_is_not_given_leaves_out_all_that_builds_on_it(load):
    study = load()
    everything = tasks_of(study, study.rows, [3])
    assert {task.name for task in everything} == {"day", "night"}
    study = load(overrides=["given.other=x"])
    graph = tasks_of(study, study.rows, study.seeds)
    assert graph[Task("more", 4)] == {Task("day", 4), Task("near", None)}
    assert graph[Task("more", 4, is_row=True)] == {Task("more", 4)}
    assert len(graph) == 1 + 2 * (3 + 3)
    assert Task("near", None).folder == Path("near")
    assert Task("day", 4, is_row=True).folder == Path("rows/day_seed_4")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x.update(base="nigth"), "row 'nigth' is neither a step nor in measure"),
        (lambda x: x["steps"]["day"].update(set={"init": "{nigth}"}), "{nigth} is unknown"),
        (lambda x: x["steps"]["day"].update(set={"init": "{more}"}), "wait for each other"),
        (lambda x: x["steps"]["night"].update(like="nigth"), "is like nigth, which is no step"),
        (lambda x: x.update(seeds=[]), r"seeds is \[\]"),
        (lambda x: x.update(measure={"day": {"network": "a", "fuse": "sum"}}), "fuse is 'sum'"),
        (lambda x: x.update(measure={"day": PATCH}), "fusion is empty"),
        (lambda x: x.update(sets={"night": {}}), "name one of data, mean_of and figure"),
        (lambda x: x["tables"][0]["rows"][0].update(paper={"miou": 3.0}), "has no column miou"),
        (lambda x: x.update(given={"day": "x"}), "a name is used twice"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_clear_error(load, change, message):
    with pytest.raises(NightsegError, match=message):
        load(change)


def test_unknown_studies_are_named_with_those_there_are():
    with pytest.raises(NightsegError, match=r"no study nothing; name a file, or one of .*thesis"):
        load_study("nothing")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_studies_have_the_name_of_their_file_and_only_steps_that_rows_need(name):
    study = load_study(name, ["given.without_perceptual=x"] if name == "thesis" else [])
    assert study.name == name
    graph = tasks_of(study, study.rows, [0])
    assert {task.name for task in graph if not task.is_row} == set(study.steps)
    assert {task.name for task in graph if task.is_row} == set(study.rows)
