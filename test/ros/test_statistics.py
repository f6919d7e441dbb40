# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Percentiles, rates, and frames that are late while they are still under way."""

from __future__ import annotations

import pytest

from nightseg_ros.ros.statistics import STAGES, NodeStatistics, Rate, Window

TIMES = dict.fromkeys(STAGES, 1.0)


def test_window_forgets():
    window = Window(size=3)
    assert window.percentiles() is None
    for value in (9.0, 1.0, 2.0, 3.0):
        window.add(value)
    assert window.percentiles()["max"] == 3.0


def test_rate_sinks_when_nothing_comes():
    now = [0.0]
    rate = Rate(clock=lambda: now[0])
    assert rate.hz() == 0.0
    for frame in range(31):
        now[0] = frame / 30
        rate.tick()
    assert rate.hz() == pytest.approx(30)
    now[0] += 2.0
    assert rate.hz() == pytest.approx(0.5)
    assert rate.silence_s(since_s=0.0) == pytest.approx(2.0)
    assert rate.silence_s(since_s=now[0] - 0.5) == pytest.approx(0.5)
    now[0] += 10.0
    assert rate.hz() == 0.0


class Frames:
    """Node statistics under a clock that the test moves, allowing 100 ms."""

    def __init__(self):
        self.now = 50.0
        self.statistics = NodeStatistics(["front"], clock=lambda: self.now)

    def frame(self, seconds, published=True):
        self.statistics.start_frame()
        self.now += seconds
        self.statistics.end_frame(TIMES if published else None, allowed_ms=100.0)

    @property
    def processing(self):
        return self.statistics.processing(allowed_ms=100.0)


def test_nothing_is_known_before_the_first_frame():
    assert Frames().processing == (None, 0.0)


def test_delay_lasts_until_a_frame_is_in_time():
    frames = Frames()
    frames.frame(0.05)
    assert frames.processing == (pytest.approx(50), 0.0)
    frames.frame(0.2)
    frames.frame(0.3)
    assert frames.processing == (pytest.approx(300), pytest.approx(500))
    frames.frame(0.05)
    assert frames.processing == (pytest.approx(50), 0.0)


def test_delay_does_not_grow_while_no_frame_is_under_way():
    frames = Frames()
    frames.frame(0.2)
    frames.now += 60.0
    assert frames.processing == (pytest.approx(200), pytest.approx(200))
    frames.statistics.start_frame()
    frames.now += 0.05
    assert frames.processing == (pytest.approx(200), pytest.approx(200))


def test_forgotten_frames_are_late_no_more_not_even_the_one_under_way():
    frames = Frames()
    frames.frame(0.2)
    frame = frames.statistics.start_frame()
    frames.statistics.forget_frames()
    frames.now += 0.2
    assert frames.processing == (None, 0.0)
    frames.statistics.end_frame(TIMES, allowed_ms=100.0, frame_s=frame)
    assert frames.processing == (None, 0.0)


def test_engine_that_hangs_is_seen_while_it_hangs():
    frames = Frames()
    frames.frame(0.05)
    frames.statistics.start_frame()
    frames.now += 7.0
    assert frames.processing == (pytest.approx(7000), pytest.approx(7000))


def test_rejected_frame_leaves_the_figures_alone():
    frames = Frames()
    frames.frame(0.05)
    frames.frame(0.5, published=False)
    assert frames.processing == (pytest.approx(50), 0.0)
    assert frames.statistics.stages["total"].percentiles()["p50"] == 1.0
