# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tables and plots of nodes under load say what was measured."""

from __future__ import annotations

from nightseg_ros.report import load

QUICK = {
    "name": "quick",
    "hz": 10.0,
    "sent_per_s": 10.04,
    "masks_per_s": 10.0,
    "latency_ms": {"p50": 20.0, "p99": 40.0},
    "missed_share": 0.0,
    "cpu_percent": 50.0,
    "memory_mb": 200.0,
}
SLOW = {**QUICK, "hz": 30.0, "latency_ms": {"p50": 80.0, "p99": 160.0}, "missed_share": 0.625}
DEAD = {**QUICK, "masks_per_s": None, "latency_ms": None, "missed_share": 1.0}


def test_table_has_a_row_for_each_load():
    head, quick, slow, dead = load.load_table([QUICK, SLOW, DEAD]).splitlines()
    assert head.split()[:3] == ["what", "Hz", "sent/s"]
    assert quick.split() == ["quick", "10", "10.0", "10.0", "20", "40", "0.0", "50", "200"]
    assert "62.5" in slow
    assert dead.split()[3:7] == ["-", "-", "-", "100.0"]


def test_csv_holds_all_digits_and_empty_cells():
    assert len(load.header()) == len(load.numbers(QUICK))
    assert load.numbers(QUICK)[2] == 10.04
    assert load.numbers(DEAD)[3:6] == [None, None, None]


def test_every_figure_has_a_plot_with_a_line_for_each_name():
    curves = load.Curves("Over Hz", {"one": [(10, QUICK), (30, SLOW)], "two": [(10, DEAD)]})
    section = load.curve_section(curves)
    assert section.title == "Over Hz"
    plotted = [figure for figure in load.FIGURES if figure.plotted]
    assert section.body.count("<svg") == len(plotted)
    assert "age p99 ms" in section.body
    # Of the second line three figures are missing.
    assert section.body.count("<polyline") == 2 * len(plotted) - 3


def test_age_over_time_leaves_out_frames_without_a_mask():
    section = load.age_section({"one": [[0.0, 10.0], [0.1, None], [0.2, 30.0]]}, 10.0)
    assert "age of each mask at 10 Hz" in section.body
    assert section.body.count("h0") == 2
