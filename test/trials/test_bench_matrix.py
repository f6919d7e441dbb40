# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A table of loads: which cells it has, and that each is a run of its own."""

from __future__ import annotations

import csv

import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from support.verbs import run

from nightseg_ros.cli import bench_node
from nightseg_ros.trials import bench_matrix
from nightseg_ros.trials.bench_matrix import (
    CAMERAS,
    RATES,
    SIZES,
    Cell,
    all_cells,
    differences,
    star_cells,
)

pytestmark = pytest.mark.ros


def test_short_table_varies_one_thing_at_a_time():
    cells = star_cells()
    assert len(set(cells)) == len(cells) == 2 * (len(CAMERAS) + len(RATES) + len(SIZES) - 2)
    assert all(len(differences(cell)) <= 1 for cell in cells)
    assert {cell.cameras for cell in cells} == set(CAMERAS)
    assert {cell.hz for cell in cells} == set(RATES)
    assert {cell.size for cell in cells} == set(SIZES)
    assert len(set(all_cells())) == 2 * len(CAMERAS) * len(RATES) * len(SIZES)


@pytest.mark.slow
def test_cells_are_measured_and_plotted(tmp_path, monkeypatch):
    small = [Cell(), Cell(cameras=2), Cell(size=(64, 48), jpeg=True)]
    monkeypatch.setattr(bench_matrix, "star_cells", lambda: small)
    monkeypatch.setattr(bench_matrix, "WARM_UP_S", 0.3)
    words = ["--engine", "fake", "--engine-delay-ms", 5, "--seconds", 1, "--out", tmp_path]
    result = run("bench", "node", "--matrix", *words)
    assert [row["sent"] for row in result["rows"]] == [10, 20, 10]
    for row in result["rows"]:
        assert row["latency_ms"]["p50"] >= 5
        assert row["account"]["rejected"] == 0
    text = bench_node.render(result)
    assert "2 cameras, 1280x720 raw" in text
    assert "1 camera, 64x48 JPEG" in text
    with (tmp_path / "matrix.csv").open() as file:
        assert len(list(csv.reader(file))) == 4
    page = (tmp_path / "matrix.html").read_text()
    assert "Over the number of cameras" in page
    assert page.count("<polyline") >= 6
