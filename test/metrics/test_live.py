# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of live runs, from times that are known; what is left out of several runs."""

from __future__ import annotations

import pytest
from support.live_runs import record

from nightseg_ros.metrics.live import (
    SERIES_POINTS,
    RunRecord,
    conclude,
    figures,
    series,
    typical,
    under_load,
)


def test_figures_of_one_run():
    run = record([30, 10, None, 20, 40])
    run.account = {"received": 4, "published": 4}
    run.cpu_percent, run.memory_mb = 42.0, 310.0
    found = figures(run)
    assert (found["sent"], found["masks"], found["missed"]) == (5, 4, 1)
    assert found["missed_share"] == pytest.approx(0.2)
    assert found["sent_per_s"] == pytest.approx(10.0)
    # Masks at 30, 110, 320 and 440 ms: three distances in 410 ms, which change by 130 and by 90.
    assert found["masks_per_s"] == pytest.approx(3 / 0.410)
    assert found["jitter_ms"] == pytest.approx({"min": 90, "max": 130, "mean": 110, "std": 20})
    latency = found["latency_ms"]
    assert (latency["first"], latency["last"]) == pytest.approx((30, 40))
    assert (latency["min"], latency["max"], latency["mean"]) == pytest.approx((10, 40, 25))
    assert latency["p50"] == pytest.approx(25)
    assert latency["p95"] == pytest.approx(38.5)
    assert found["account"]["lost_by_middleware"] == 1
    assert (found["cpu_percent"], found["memory_mb"]) == (42.0, 310.0)


def test_nothing_came_back():
    found = figures(record([None, None, None]))
    assert (found["masks"], found["missed_share"]) == (0, 1.0)
    assert found["latency_ms"] is found["jitter_ms"] is found["masks_per_s"] is None
    nothing = figures(RunRecord())
    assert nothing["sent"] == 0
    assert nothing["missed_share"] is None


def test_what_a_node_still_had_in_its_queue_is_no_age_under_load():
    """Images every 100 ms; the masks of the last two come after the last image."""
    run = record([30, 10, 300, 200])
    found = under_load(run)
    assert (found["sent"], found["masks"], found["missed"]) == (4, 4, 0)
    assert found["latency_ms"]["max"] == pytest.approx(30)
    assert figures(run)["latency_ms"]["max"] == pytest.approx(300)
    assert under_load(record([None, 500]))["latency_ms"] is None
    assert under_load(RunRecord())["sent"] == 0


def test_two_cameras_with_equal_stamps_are_two_frames():
    run = record([10, 10])
    other = record([20, None], camera=1)
    run.sent |= other.sent
    run.arrived |= other.arrived
    assert (figures(run)["sent"], figures(run)["masks"]) == (4, 3)


def test_best_and_worst_of_each_figure_are_left_out():
    runs = [figures(record([latency] * 4)) for latency in (50, 10, 20, 30, 900)]
    summary = conclude(runs)
    assert summary["latency_ms"]["mean"] == pytest.approx((20 + 30 + 50) / 3)
    # The largest of the runs kept, as ros2_benchmark has it, and the smallest.
    assert summary["latency_ms"]["max"] == pytest.approx(50)
    assert summary["latency_ms"]["min"] == pytest.approx(20)
    assert conclude(runs[:2])["latency_ms"]["mean"] == pytest.approx(30)
    assert "account" not in summary


def test_a_run_without_masks_does_not_spoil_the_others():
    runs = [figures(record(values)) for values in ([10, 10, 10], [None, None, None])]
    summary = conclude(runs)
    assert summary["latency_ms"]["mean"] == pytest.approx(10)
    assert summary["missed_share"] == pytest.approx(0.5)
    assert typical(runs) == 0


def test_typical_run_is_the_one_in_the_middle():
    runs = [figures(record([latency] * 3)) for latency in (50, 10, 30)]
    assert typical(runs) == 2


def test_series_keeps_gaps_and_is_bounded():
    assert series(record([30, None, 12.5])) == [[0.0, 30.0], [0.1, None], [0.2, 12.5]]
    assert series(RunRecord()) == []
    long = series(record([1.0] * (3 * SERIES_POINTS + 1)))
    assert len(long) <= SERIES_POINTS
    assert long[0][0] == 0.0
