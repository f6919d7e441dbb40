# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench`: arguments, refusals and the table; what is measured has its test in ros/."""

from __future__ import annotations

import json

import pytest

from nightseg_ros.cli import bench
from nightseg_ros.cli.main import main, verb_parser

RESULT = {
    "bench": "node",
    "image": "1280x720 bgr8 at 60 Hz",
    "engine": "fake",
    "provider": "none",
    "seconds": 600.0,
    "transport": "large images: off",
    "milliseconds": {
        name: {"p50": 1.0, "p95": 2.0, "p99": 3.0, "largest": 4.5} for name in ("overhead", "age")
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


def parse(*words):
    return verb_parser("bench", bench, "measure").parse_args(words)


def test_defaults_are_those_of_the_promise():
    args = parse("node")
    assert (args.width, args.height, args.engine) == (1280, 720, "auto")


def test_render_holds_every_figure():
    text = bench.render(RESULT)
    assert "overhead         1.00     2.00     3.00     4.50" in text
    assert "98 received = 40 published + 55 dropped + 2 rejected + 1 in flight (exact)" in text
    assert "1.25 engine times of 100.0 ms" in text
    assert "node: 17 % of one core" in text
    assert "NOT EXACT" in bench.render({**RESULT, "account_exact": False})
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
    text = bench.render({"bench": "start", **STARTS})
    assert "onnxruntime-cpu       median 1.00 s, largest 1.25 s, processor time 0.80 s" in text
    assert "1.25 0.75" in text
    assert "openvino-int8         not measured: never built; build it" in text
    assert text.endswith("largest: 1.25 s; goal under 3 s: met")
    missed = bench.render({"bench": "start", **STARTS, "met": False})
    assert missed.endswith("goal under 3 s: MISSED")


def test_ten_starts_of_every_engine_that_is_here():
    args = parse("start")
    assert (args.runs, args.engine) == (10, None)


def test_no_start_at_all_is_refused(capsys):
    assert main(["bench", "start", "--runs", "0"]) == 2
    assert "--runs is 0" in capsys.readouterr().err
