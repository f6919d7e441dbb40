# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A table has as many cells in each row as its header, whatever is in them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from nightseg_ros.files.csv_file import write_csv


def test_cells_come_back_as_they_were(tmp_path: Path):
    rows = [["a,b", 'say "no"', "two\nlines"], ["", "ü", "1.5"]]
    write_csv(tmp_path / "a.csv", ["x", "y", "z"], rows)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["x", "y", "z"], *rows]


def test_a_row_of_another_length_leaves_the_old_file(tmp_path: Path):
    (tmp_path / "a.csv").write_text("old\n")
    with pytest.raises(ValueError, match="3 cells under 2 headers"):
        write_csv(tmp_path / "a.csv", ["x", "y"], [[1, 2], [1, 2, None]])
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "old\n"
