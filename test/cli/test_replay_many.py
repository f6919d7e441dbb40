# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg replay` with many bags: one summary, a folder for each, and what fails fails alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rosbags.rosbag2")
from support import bags as bags
from support import models as tiny
from support import verbs

from nightseg_ros.cli import replay, replay_many
from nightseg_ros.errors import NightsegError
from nightseg_ros.replay.jobs import Outcome

FRAMES = {"a": 3, "b": 5}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder `drives` with two bags and a broken one, and a folder `models`."""
    folder = tmp_path_factory.mktemp("many")
    tiny.models_folder(folder / "models")
    for name, count in FRAMES.items():
        content = [
            ("/cam", bags.stamp(i), bags.raw(bags.stamp(i), bags.picture(i, top=30 + 226 * i % 2)))
            for i in range(count)
        ]
        bags.write_bag(folder / "drives" / f"{name}.mcap", content)
    (folder / "drives/broken.mcap").write_bytes(b"no bag")
    return folder


def parse(place: Path, *argv: Any) -> replay.Options:
    return verbs.parsed("replay", *argv, "--models", place / "models", "--engine", "fake")


@pytest.mark.slow
def test_all_bags_are_replayed_and_a_broken_one_is_named(place: Path, tmp_path: Path):
    argv = [place / "drives", "--out", tmp_path, "--jobs", 2, "--write", "w.mcap"]
    result = replay.run(parse(place, *argv))
    assert result["exit_code"] == 2
    assert (result["done"], result["failed"], result["frames"]) == (2, 1, 8)
    lines = {Path(line["out"]).name: line for line in result["bags"]}
    assert list(lines) == ["a", "b", "broken"]
    assert [lines[name]["frames"] for name in FRAMES] == [3, 5]
    assert "contains nothing readable" in lines["broken"]["error"]
    assert result["variants"]["auto"]["frames"] == 8
    assert result["variants"]["auto"]["latency_ms"]["p50"] > 0
    for name, count in FRAMES.items():
        assert json.loads((tmp_path / name / "replay.json").read_text())["frames"] == count
        assert len(bags.read_bag(tmp_path / name / "w.mcap")["/segmentation_node/mask"]) == count
    assert json.loads((tmp_path / "replays.json").read_text())["failed"] == 1
    text = replay.render(result)
    assert "2 of 3 bags, 1 FAILED, 8 frames" in text
    report = Path(result["report"]).read_text(encoding="utf-8")
    assert "broken.mcap failed: " in report
    assert f"failed: {place / 'drives/broken.mcap'}: " in text


def here(one, options, jobs, report):
    """Stand for the processes: run in this one."""
    for index, argument in enumerate(options):
        yield Outcome(index, one(argument, lambda done, total, i=index: report(i, done, total)))


def test_what_is_done_is_not_done_again(place: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(replay_many, "run_in_processes", here)
    ran = []
    once = replay_many.run_job

    def counted(job, *rest):
        ran.append(job.out.name)
        return once(job, *rest)

    monkeypatch.setattr(replay_many, "run_job", counted)
    good = [place / "drives" / name for name in FRAMES]
    first = replay.run(parse(place, *good, "--out", tmp_path))
    assert (first["exit_code"], ran) == (0, ["a", "b"])
    again = replay.run(parse(place, *good, "--out", tmp_path))
    assert ran == ["a", "b"]
    assert again["bags"] == first["bags"]
    other = replay.run(parse(place, *good, "--out", tmp_path, "--route", "day"))
    assert ran == ["a", "b", "a", "b"]
    assert other["variants"]["day"]["routes"] == {"day": 8}


@pytest.mark.parametrize(("argv", "threads"), [([], 0), (["--jobs", "3"], 2), (["--jobs", 9], 1)])
def test_jobs_share_the_cores(place: Path, tmp_path: Path, monkeypatch, argv, threads):
    seen = []

    def note(one, options, jobs, report):
        seen.extend(part.options.engines.threads for part in options)
        return [Outcome(index, error="not run") for index in range(len(options))]

    monkeypatch.setattr(replay_many, "cores", lambda: 8)
    monkeypatch.setattr(replay_many, "run_in_processes", note)
    result = replay.run(parse(place, place / "drives", "--out", tmp_path, *argv))
    assert seen == [threads] * 3
    assert result["exit_code"] == 2


def test_one_bag_stays_one_replay(place: Path, tmp_path: Path):
    result = replay.run(parse(place, place / "drives/a", "--out", tmp_path))
    assert result["frames"] == 3
    assert (tmp_path / "replay.json").is_file()


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["--jobs", 0], "--jobs is 0"),
        (["--write", "results/w.mcap"], "it is a file name"),
        (["--live"], "plays one bag, not 3"),
    ],
)
def test_requests_that_make_no_sense_are_refused(place: Path, tmp_path: Path, argv, reason):
    with pytest.raises(NightsegError, match=reason):
        replay.run(parse(place, place / "drives", "--out", tmp_path, *argv))
