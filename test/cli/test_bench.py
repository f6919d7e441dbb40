# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench`: arguments, refusals and the table; what is measured has its test in ros/."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from support import models as tiny
from support.verbs import parsed

from nightseg_ros.cli import (
    bench_health,
    bench_node,
    bench_points,
    bench_stabilise,
    bench_start,
    bench_weather,
)
from nightseg_ros.cli.main import main
from nightseg_ros.drive import render

RESULT = {
    "bench": "node",
    "image": "1280x720 bgr8 at 60 Hz",
    "engine": "fake",
    "provider": "none",
    "seconds": 600.0,
    "transport": "large images: off",
    "milliseconds": {
        name: {"p50": 1.0, "p95": 2.0, "p99": 3.0, "max": 4.5} for name in ("overhead", "age")
    },
    "account_exact": True,
    "sent": 100,
    "received": 98,
    "published": 40,
    "dropped": 55,
    "rejected": 2,
    "in_flight": 1,
    "lost_by_middleware": 2,
    "masks_back": 40,
    "engine_ms": 100.0,
    "largest_age_in_engine_times": 1.25,
    "node_cpu": 0.171,
}


def test_defaults_are_those_of_the_promise():
    options = parsed("bench", "node")
    assert (options.width, options.height, options.engine) == (1280, 720, "auto")


def test_a_table_of_loads_is_short_where_nothing_else_is_asked():
    assert parsed("bench", "node").matrix == ""
    assert parsed("bench", "node", "--matrix").matrix == "short"
    assert parsed("bench", "node", "--matrix", "full").matrix == "full"
    with pytest.raises(SystemExit):
        parsed("bench", "node", "--matrix", "half")


def test_render_holds_every_figure():
    text = bench_node.render(RESULT)
    assert "overhead         1.00     2.00     3.00     4.50" in text
    assert "98 received = 40 published + 55 dropped + 2 rejected + 1 in flight (exact)" in text
    assert "1.25 engine times of 100.0 ms" in text
    assert "node: 17 % of one core" in text
    assert "NOT EXACT" in bench_node.render({**RESULT, "account_exact": False})
    json.dumps(RESULT)


@pytest.mark.parametrize(
    "words",
    [
        ("--seconds", "0"),
        ("--width", "-3"),
        ("--camera-hz", "0"),
        ("--engine-delay-ms", "-1"),
    ],
)
def test_impossible_plans_are_refused_before_anything_starts(words, capsys):
    assert main(["bench", "node", *words]) == 2
    assert "must be positive" in capsys.readouterr().err


def test_a_measurement_must_be_named(capsys):
    with pytest.raises(SystemExit) as leave:
        main(["bench"])
    assert leave.value.code == 2
    assert "WHAT" in capsys.readouterr().err


@pytest.mark.ros
def test_delay_needs_the_fake_engine(capsys, tmp_path):
    words = ["--engine", "onnxruntime", "--engine-delay-ms", "5", "--models", str(tmp_path)]
    assert main(["bench", "node", *words]) == 2
    assert "a delay needs the fake engine, not 'onnxruntime'" in capsys.readouterr().err


STARTS = {
    "rows": [
        {
            "engine": "onnxruntime-cpu",
            "problem": "",
            "loaded": "day net on onnxruntime",
            "seconds": [1.25, 0.75],
            "median_s": 1.0,
            "largest_s": 1.25,
            "median_cpu_s": 0.8,
        },
        {"engine": "openvino-int8", "problem": "never built; build it", "seconds": []},
    ],
    "largest_s": 1.25,
    "goal_s": 3.0,
    "met": True,
}


def test_starts_are_all_shown_with_the_goal():
    text = bench_start.render({"bench": "start", **STARTS})
    assert "onnxruntime-cpu       median 1.00 s, largest 1.25 s, processor time 0.80 s" in text
    assert "1.25 0.75" in text
    assert "openvino-int8         not measured: never built; build it" in text
    assert text.endswith("largest: 1.25 s; goal under 3 s: met")
    missed = bench_start.render({"bench": "start", **STARTS, "met": False})
    assert missed.endswith("goal under 3 s: MISSED")


def test_ten_starts_of_every_engine_that_is_here():
    options = parsed("bench", "start")
    assert (options.runs, options.engine) == (10, None)


def test_no_start_at_all_is_refused(capsys):
    assert main(["bench", "start", "--runs", "0"]) == 2
    assert "--runs is 0" in capsys.readouterr().err


def test_points_are_measured_on_a_drive(capsys):
    """A small mask, all pitches and rolls: the ground is exact to 15 m."""
    main(["bench", "points", "--width", "96", "--height", "56", "--frames", "9", "--json"])
    result = json.loads(capsys.readouterr().out)
    assert result["ground"]["p95"] < 0.05
    assert {"road", "road, the nodding unknown"} <= {row["name"] for row in result["rows"]}
    assert result["milliseconds"]["p50"] > 0.0
    text = bench_points.render(result)
    assert "road and sidewalk to 15 m" in text
    assert "goals" in text.splitlines()[-1]


def test_points_need_a_frame_for_each_turn(capsys):
    assert main(["bench", "points", "--frames", "3"]) != 0
    assert "--frames is 3; need 9" in capsys.readouterr().err


def test_weather_costs_and_is_found(tmp_path, capsys, monkeypatch):
    """On frames of blocks whose labels are the masks of the network: as they are, all is right."""
    folder = tiny.models_folder(tmp_path / "models")
    monkeypatch.setenv("NIGHTSEG_MODELS", str(folder))
    rng = np.random.default_rng(1)
    for number in range(20):
        image = rng.integers(0, 256, (9, 12, 3)).astype(np.uint8)
        image = np.ascontiguousarray(np.kron(image, np.ones((tiny.HEIGHT // 8, 6, 1), np.uint8)))
        image = image[: tiny.HEIGHT, : tiny.WIDTH]
        label = tiny.expected_mask(image, seed=0)
        for part, pixels in (("images", image[..., ::-1]), ("labels", label)):
            (tmp_path / "data" / part).mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(tmp_path / "data" / part / f"{number}.png"), pixels)
    data = str(tmp_path / "data")
    calibrate = ["calibrate", "tiny_day", "--data", data, "--label-set", "cityscapes19"]
    assert main([*calibrate, "--no-relit", "--exposures"]) == 0
    capsys.readouterr()
    words = ["--model", "tiny_day", "--data", data, "--known", data, "--other", data]
    assert main(["bench", "weather", *words, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    rows = {row["condition"]: row for row in result["rows"]}
    assert rows["as it is"]["miou"] == 100.0
    assert rows["fog 1"]["miou"] < rows["fog 0.25"]["miou"] < 100.0
    assert rows["fog 1"]["hazy"] == 100.0 > rows["as it is"]["hazy"]
    assert rows["fog 1"]["auroc"] > 95.0 > rows["as it is"]["auroc"]
    assert rows["fog 1"]["outside"] > rows["as it is"]["outside"]
    assert rows["fog 1"]["unreported"] == 0.0
    assert [drive["auroc"] for drive in result["drives"]] == [None]  # one set, known and other
    assert "fog 0.25" in bench_weather.render(result)


def test_weather_needs_class_labels(tmp_path, capsys, monkeypatch, write_stills):
    monkeypatch.setenv("NIGHTSEG_MODELS", str(tiny.models_folder(tmp_path / "models")))
    words = ["--model", "tiny_day", "--data", f"unlabelled:{write_stills}"]
    assert main(["bench", "weather", *words]) != 0
    assert "has no class labels; give a labelled set" in capsys.readouterr().err


@pytest.mark.slow
def test_health_counts_what_is_found_and_what_is_not(write_stills, capsys):
    words = ["--data", f"unlabelled:{write_stills}", "--drives", "2", "--frames", "40", "--json"]
    assert main(["bench", "health", *words]) == 0
    result = json.loads(capsys.readouterr().out)
    found = {(row["fault"], row["strength"]): row["found"] for row in result["sources"][1]["rows"]}
    assert found["frozen", 1.0] == 1.0
    assert found["defocused", 4.0] > 0.0
    assert found["defocused", 0.5] == found["obstructed", 0.03] == 0.0
    assert result["sources"][1]["clean"]["frames"] == 100
    assert "defocused" in bench_health.render(result)


@pytest.fixture
def write_stills(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(4):
        coarse = rng.integers(30, 200, (45, 80, 3), np.uint8)
        still = cv2.resize(coarse, (320, 180), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(tmp_path / f"{index}.png"), still)
    return tmp_path


def test_health_refuses_a_drive_that_is_too_short(capsys):
    assert main(["bench", "health", "--frames", "3"]) != 0
    assert "--frames 3" in capsys.readouterr().err


@pytest.mark.slow
def test_stabilise_compares_flicker_and_accuracy_of_both_masks(capsys, monkeypatch):
    monkeypatch.setattr(render, "SHORTEST", 12.0)  # or 12 frames would be a very fast drive
    words = ["--frames", "12", "--model", "erf_pspnet_fast_night", "--engine", "onnxruntime"]
    assert main(["bench", "stabilise", *words, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    (source,) = result["sources"]
    plain, held = source["variants"].values()
    assert source["frames"] == 12
    assert 0.0 < held["flicker"] < plain["flicker"]
    assert 0.0 < held["miou"] < 1.0
    text = bench_stabilise.render(result)
    assert "held still" in text
    assert "less flicker" in text
    assert result["milliseconds"]["p50"] > 0.0
    height, width = result["input"]
    assert f"{width}x{height}" in text.splitlines()[-1]
