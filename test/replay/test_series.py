# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Thinned series agree with all frames; a histogram of bins gives the percentiles of values."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from nightseg_ros.replay.series import ALL_CAMERAS, Histogram, Series, read_frames


def filled(frames: int, limit: int = 8) -> Series:
    series = Series(["a", "b"], ["route"], limit)
    for i in range(frames):
        row = {"a": str(i), "route": "day" if i < frames / 2 else "night"}
        if i % 3 == 0:
            row["b"] = "6"
        series.add(0.5 * i, row)
    return series


@pytest.mark.parametrize("frames", [1, 8, 9, 64, 65, 1000])
def test_a_series_stays_short_and_loses_nothing(frames):
    points = filled(frames).points()
    assert len(points) <= 8
    assert points[0].start == 0.0
    assert points[-1].end == 0.5 * (frames - 1)
    assert [p.end for p in points[:-1]] == [p.start for p in points[1:]]
    lengths = np.diff([*(2 * p.start for p in points), frames])
    means = np.array([p.mean["a"] for p in points])
    assert (means * lengths).sum() == pytest.approx(frames * (frames - 1) / 2)
    assert max(p.top["a"] for p in points) == frames - 1
    assert {p.mean["b"] for p in points if "b" in p.mean} == {6.0}


def test_short_series_keep_every_frame_and_its_word():
    points = filled(6).points()
    assert [p.mean["a"] for p in points] == [0, 1, 2, 3, 4, 5]
    assert ["b" in p.mean for p in points] == [True, False, False, True, False, False]
    assert [p.word["route"] for p in points] == ["day"] * 3 + ["night"] * 3


def test_histogram_against_numpy():
    values = np.random.default_rng(0).lognormal(3.0, 1.0, 5000)
    histogram = Histogram()
    for value in values:
        histogram.add(float(value))
    for share in (0.01, 0.5, 0.95, 0.99, 1.0):
        expected = np.quantile(values, share)
        assert histogram.percentile(share) == pytest.approx(expected, rel=0.02)
    assert histogram.mean() == pytest.approx(values.mean())
    edges = [0.0, 10.0, 20.0, 1e9]
    assert histogram.binned(edges).sum() == 5000
    whole, _ = np.histogram(values, edges)
    assert histogram.binned(edges) == pytest.approx(whole, abs=60)


def test_values_out_of_range_count_at_the_ends():
    histogram = Histogram()
    for value in (0.0, 1e12):
        histogram.add(value)
    assert histogram.counts.sum() == 2
    assert histogram.percentile(0.0) <= 0.0011
    assert histogram.percentile(1.0) == pytest.approx(1e6, rel=0.01)


def test_frames_are_read_by_camera_and_without_the_unreadable(tmp_path: Path):
    file = tmp_path / "frames.csv"
    columns = ["index", "topic", "bag_ns", "illumination", "error", "day_route", "day_confidence"]
    columns += ["day_flicker", "day_accuracy"]
    times = ("preprocess", "translate", "inference", "postprocess", "engine", "total")
    columns += [f"day_{stage}_ms" for stage in times]
    with file.open("w", newline="", encoding="utf-8") as lines:
        table = csv.DictWriter(lines, columns, restval="")
        table.writeheader()
        for i in range(6):
            row = {"index": i, "topic": f"/cam{i % 2}", "bag_ns": 10**9 * (100 + i)}
            if i == 3:
                table.writerow({**row, "error": "broken"})
                continue
            ran = {f"day_{stage}_ms": 1.0 + i for stage in times}
            seen = {"illumination": 0.1 * i, "day_route": "day", "day_confidence": 0.5}
            table.writerow({**row, **ran, **seen})
    frames = read_frames(file, ["day"], {4})
    assert list(frames.cameras) == ["/cam0", "/cam1", ALL_CAMERAS]
    assert [p.start for p in frames.cameras["/cam1"]] == [1.0, 5.0]
    assert [p.mean["illumination"] for p in frames.cameras["/cam0"]] == pytest.approx([0, 0.2, 0.4])
    assert frames.times["day"]["total"].counts.sum() == 5
    assert frames.times["day"]["total"].top == 6.0
    assert [row["day_total_ms"] for row in frames.rows.values()] == ["5.0"]
    assert (frames.start_ns, frames.end_ns) == (100 * 10**9, 105 * 10**9)
