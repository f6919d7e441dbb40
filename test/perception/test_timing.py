# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Stages add up to the total, and old latencies are forgotten."""

from __future__ import annotations

import itertools

import pytest

from nightseg_ros.perception import timing
from nightseg_ros.perception.timing import STAGES, LatencyHistory, Stopwatch


def test_stages_add_up_to_the_total(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count(start=10.0, step=0.5)
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(ticks))
    watch = Stopwatch()
    for stage in ("preprocess", "inference", "preprocess", "postprocess"):
        watch.lap(stage)
    assert watch.times_ms() == {
        "preprocess": 1000.0,
        "translate": 0.0,
        "inference": 500.0,
        "postprocess": 500.0,
        "total": 2000.0,
    }
    assert tuple(watch.times_ms()) == (*STAGES, "total")


def test_a_few_frames_give_nothing_yet() -> None:
    history = LatencyHistory(least=5)
    for at in range(4):
        history.add("day", 10.0, at)
    assert history.estimates(4.0, 30.0) == {}
    history.add("day", 10.0, 4.0)
    assert history.estimates(4.0, 30.0) == {"day": 10.0}


def test_one_hiccup_does_not_count_but_slowness_does() -> None:
    history = LatencyHistory()
    for at in range(8):
        history.add("day", 500.0 if at == 5 else 10.0, at)
        history.add("night", 90.0 if at % 4 == 0 else 10.0, at)
    assert history.estimates(8.0, 30.0) == {"day": 10.0, "night": pytest.approx(66.0)}


def test_what_is_old_or_from_the_future_is_forgotten() -> None:
    history = LatencyHistory()
    for at in range(10):
        history.add("day", 10.0, 100.0 + at)
    assert history.estimates(109.0, 30.0) == {"day": 10.0}
    assert history.estimates(150.0, 30.0) == {}
    assert history.estimates(5.0, 30.0) == {}  # the simulated clock began anew


def test_only_the_window_counts() -> None:
    history = LatencyHistory(window=8)
    for at in range(16):
        history.add("day", 100.0 if at < 8 else 10.0, at)
    assert history.estimates(16.0, 30.0) == {"day": 10.0}
