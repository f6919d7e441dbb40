# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg replay --live`: what is refused, what is reported, and what lands in the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("rosbags.rosbag2")

from support import bags as bags
from support import models as tiny
from support.live_runs import record

from nightseg_ros.bundles.choice import choose_bundles
from nightseg_ros.cli import live as verb
from nightseg_ros.cli.main import main
from nightseg_ros.cli.options.models import EngineOptions
from nightseg_ros.metrics.live import conclude, figures
from nightseg_ros.report.live_text import render_live
from nightseg_ros.trials.live.record import LIVE, earlier_live, keep_live


def live_result(bag="/bags/night.mcap", **more):
    runs = [figures(record([latency, None, latency + 5, latency])) for latency in (30, 40, 20)]
    return {
        "bag": str(bag),
        "cameras": ["/front/image"],
        "frames": 4,
        "unreadable": 0,
        "loaded": True,
        "damage": "",
        "rate": 2.0,
        "input_hz": 20.0,
        "images": "Image",
        "transport": "large images: off",
        "route": "auto",
        "node": {
            "models": {"day": "tiny_day"},
            "engines": {"day": "CPUExecutionProvider (cpu)"},
            "fallback": "",
            "stages_ms": {},
        },
        "runs_asked": 3,
        "runs_kept": 1,
        "summary": conclude(runs),
        "runs": runs,
        "series": [[0.0, 30.0], [0.1, None], [0.2, 35.0]],
        "series_run": 1,
        "max_rate": None,
        **more,
    }


def bag_of(folder: Path, frames=6) -> Path:
    content = [
        ("/front/image", bags.stamp(i), bags.raw(bags.stamp(i), bags.picture(i)))
        for i in range(frames)
    ]
    return bags.write_bag(folder / "front.mcap", content)


def nightseg(*words) -> int:
    return main([str(word) for word in words])


def test_text_holds_the_figures():
    text = render_live(live_result())
    assert "3 runs, best and worst of each figure left out" in text
    assert "3 of 4 frames" in text
    assert "(25.0 %)" in text
    assert "tiny_day (day) on CPUExecutionProvider (cpu)" in text
    lines = text.splitlines()
    (latency,) = (i for i, line in enumerate(lines) if line.startswith("latency, ms"))
    assert lines[latency].split()[-3:] == ["p50", "p95", "p99"]
    assert lines[latency + 1].split()[:4] == ["run", "1", "30", "30"]
    assert lines[latency + 4].split()[0] == "all"


def test_what_a_reader_should_know_is_noted():
    slow = live_result(unreadable=2, loaded=False, damage="cut off", notes=["the first 5 s"])
    slow["summary"]["player_late_ms"] = 80.0
    slow["node"]["fallback"] = "no GPU"
    text = render_live(slow)
    said = ("the first 5 s", "cut off", "2 frames", "80 ms late", "beside the node", "no GPU")
    assert [words for words in said if words not in text] == []
    assert "note" not in render_live(live_result())


@pytest.mark.parametrize(
    ("hz", "limit", "said"),
    [
        (28.3, "node", "28.3 per second (the node misses more above that)"),
        (900.0, "player", "this machine cannot send any faster"),
        (None, "node", "no rate was sustained"),
    ],
)
def test_text_of_the_search(hz, limit, said):
    trial = {"hz": 30.0, "reached_hz": 29.9, "missed_share": 0.1, "held": False}
    found = {"hz": hz, "missed_share": 0.01, "limit": limit, "trials": [trial]}
    text = render_live(live_result(max_rate=found))
    assert said in text
    assert "29.9" in text


def test_the_node_runs_what_the_replay_would_run(tmp_path):
    models = tiny.models_folder(tmp_path / "models")
    engines = EngineOptions(engine="onnxruntime-cpu", threads=2)
    parameters = verb.node_parameters("auto", choose_bundles(models), engines)
    assert parameters["night_model"] == str(models / "tiny_night")
    assert (parameters["engine"], parameters["threads"]) == ("onnxruntime-cpu", 2)
    assert parameters["allowed_routes"] == ["day", "night", "translate"]
    parameters = verb.node_parameters("night", choose_bundles(models, roles=["night"]), engines)
    assert parameters["allowed_routes"] == ["night"]


@pytest.mark.ros
def test_refusals(tmp_path, capsys):
    bag = bag_of(tmp_path)
    models = tiny.models_folder(tmp_path / "models")
    (tmp_path / "file").touch()
    for words, said in (
        (["--route", "all"], "--live measures one route"),
        (["--rate", "0"], "--rate is 0"),
        (["--runs", "0"], "--runs is 0"),
        (["--seconds", "-1"], "--seconds is -1"),
        (["--masks"], "--live does not use --masks"),
        (["--out", tmp_path / "file"], "is a file"),
        (["--topic", "/rear"], "no images on '/rear'"),
    ):
        assert nightseg("replay", "--live", bag, "--models", models, *words) == 2
        assert said in capsys.readouterr().err
    assert nightseg("replay", bag, "--models", models) == 2
    assert "--out DIR is missing" in capsys.readouterr().err


def test_live_and_offline_figures_make_one_report(tmp_path):
    bag, out = bag_of(tmp_path), tmp_path / "out"
    models = tiny.models_folder(tmp_path / "models")
    offline = ["replay", bag, "--out", out, "--models", models]
    # Live alone, then a replay of the same bag beside it.
    keep_live(out, live_result(bag))
    assert "Live, in a ROS graph" in (out / "report.html").read_text()
    assert nightseg(*offline) == 0
    assert json.loads((out / "replay.json").read_text())["live"]["input_hz"] == 20.0
    assert "Live, in a ROS graph" in (out / "report.html").read_text()
    # A live run after the replay takes the place of the earlier one.
    keep_live(out, live_result(bag, input_hz=40.0))
    assert json.loads((out / "replay.json").read_text())["live"]["input_hz"] == 40.0
    assert "40.0 per second" in (out / "report.html").read_text()
    # What was measured with another bag is not this one's.
    assert earlier_live(out, tmp_path / "other") is None
    (out / LIVE).write_text("{")
    assert earlier_live(out, bag) is None


@pytest.mark.ros
def test_whole_verb(tmp_path, capsys):
    bag, out = bag_of(tmp_path), tmp_path / "out"
    models = tiny.models_folder(tmp_path / "models")
    words = ["--models", models, "--engine", "fake", "--runs", 2, "--out", out, "--seconds", 0.45]
    assert nightseg("replay", "--live", bag, *words) == 0
    printed = capsys.readouterr()
    assert "2 runs only, nothing left out" in printed.out
    assert "the first 0.45 s" in printed.out
    assert "ROS_DOMAIN_ID=" in printed.err
    kept = json.loads((out / LIVE).read_text())
    assert kept["frames"] == 5
    assert kept["bag"] == str(bag)
    assert kept["summary"]["masks"] >= 4
    assert "Live, in a ROS graph" in (out / "report.html").read_text()
