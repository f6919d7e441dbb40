# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Files of results that sweeps write: read back, with an error that names the line."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nightseg_ros.errors import NightsegError

Line = dict[str, Any]


def read_results_file(
    path: Path, columns: Sequence[str], percent: str, numbers: Sequence[str] = ()
) -> list[Line]:
    """Return the lines of a CSV file, none where there is no file.

    `percent` names the column of the figure, which must be one; `numbers` may be empty (None).
    """
    if not path.is_file():
        return []
    lines: list[Line] = []
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        absent = [column for column in columns if column not in (reader.fieldnames or ())]
        if absent:
            raise NightsegError(f"{path}: there is no column {', '.join(absent)}")
        for number, row in enumerate(reader, 2):
            try:
                figure = float(row[percent])
                others = {key: float(row[key]) if row.get(key) else None for key in numbers}
            except (TypeError, ValueError) as error:
                raise NightsegError(f"{path}:{number}: {row} holds no number ({error})") from error
            if not 0.0 <= figure <= 100.0:
                raise NightsegError(
                    f"{path}:{number}: {percent} is {figure}; write percent, 0 to 100"
                )
            lines.append({**row, percent: figure, **others})
    return lines
