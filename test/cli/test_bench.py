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
