# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes tables as CSV, atomically, and checks the number of cells in each row."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from nightseg_ros.files.atomic import atomic_file


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table row by row; None is an empty cell."""
    with atomic_file(path) as place, place.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        for row in rows:
            if len(row) != len(header):
                raise ValueError(f"{path.name}: {len(row)} cells under {len(header)} headers")
            table.writerow(row)
