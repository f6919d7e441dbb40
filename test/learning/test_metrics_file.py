# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The metrics of a resumed training are those of all its parts, and any number of them is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightseg_ros.learning.metrics_file import (
    draw_curve,
    forget_metrics,
    join_metrics,
    metrics_path,
    read_metrics,
    set_metrics_aside,
)


def log(out: Path, header: str, *rows: str) -> None:
    """Write what the logger of one process writes, in the place of what was there."""
    metrics_path(out).parent.mkdir(exist_ok=True)
    metrics_path(out).write_text("\n".join([header, *rows]) + "\n")


def test_a_training_of_three_parts_has_the_rows_of_all(tmp_path):
    log(tmp_path, "step,loss", "10,3.0", "20,2.0", "30,9.0")
    set_metrics_aside(tmp_path, 30)  # what step 30 logged was not in the checkpoint
    log(tmp_path, "loss,miou/day,step", "1.5,,30", ",40.0,39")
    set_metrics_aside(tmp_path, 40)
    log(tmp_path, "step,loss", "50,1.0")
    join_metrics(tmp_path)
    rows = read_metrics(metrics_path(tmp_path))
    assert [row["step"] for row in rows] == ["10", "20", "30", "39", "50"]
    assert [row["loss"] for row in rows] == ["3.0", "2.0", "1.5", "", "1.0"]
    assert [row["miou/day"] for row in rows] == ["", "", "", "40.0", ""]
    assert [path.name for path in (tmp_path / "csv").iterdir()] == ["metrics.csv"]


def test_nothing_is_left_of_a_training_that_is_begun_anew(tmp_path):
    log(tmp_path, "step,loss", "10,3.0")
    set_metrics_aside(tmp_path, 20)
    forget_metrics(tmp_path)
    log(tmp_path, "step,loss", "10,7.0")
    join_metrics(tmp_path)
    assert [row["loss"] for row in read_metrics(metrics_path(tmp_path))] == ["7.0"]


@pytest.mark.parametrize("rows", [None, [], ["3,2.0,"], ["3,,40.0", "4,1.0,"]])
def test_any_number_of_rows_is_drawn(tmp_path, rows):
    pytest.importorskip("matplotlib", reason="an extra")
    if rows is not None:
        log(tmp_path, "step,loss,miou/day", *rows)
    draw_curve(tmp_path)
    assert (tmp_path / "curve.png").stat().st_size > 0
