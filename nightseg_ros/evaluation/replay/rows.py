# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of each replayed frame, kept line by line so that a stopped replay goes on."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from nightseg_ros.perception.timing import ENGINE_STAGES, STAGES

Row = dict[str, Any]
"""index, topic, stamp_ns, bag_ns, error; then illumination, routes: variant -> {route, reason,
ms, confidence, flicker}, same: pair -> [equal pixels, pixels],
counts: variant -> [cells, values, pixels]."""

PARTIAL = "replay.partial.jsonl"


class RowFile:
    """The rows done so far, behind a first line that says what replay they belong to."""

    def __init__(self, folder: Path, key: dict[str, Any], *, resume: bool = True) -> None:
        self.path = folder / PARTIAL
        self.done = 0
        """Rows that an earlier replay left."""
        head = json.dumps(key, sort_keys=True) + "\n"
        end = 0
        if resume and self.path.is_file():
            with open(self.path, "rb") as file:
                if file.readline() == head.encode():
                    end = file.tell()
                    for line in file:
                        if not line.endswith(b"\n"):  # the one that it was writing
                            break
                        end += len(line)
                        self.done += 1
        self._start = len(head.encode())
        if end:
            os.truncate(self.path, end)
        else:
            self.path.write_text(head, encoding="utf-8")
        self._file: TextIO = open(self.path, "a", encoding="utf-8")  # noqa: SIM115

    def append(self, row: Row) -> None:
        """Add the next row; it survives the end of this process."""
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()

    def rows(self) -> Iterator[Row]:
        """Yield the rows from the first."""
        with open(self.path, "rb") as file:
            file.seek(self._start)
            for line in file:
                yield json.loads(line)

    def latest(self) -> dict[str, int]:
        """Return topic -> index of its last frame that could be read."""
        return {row["topic"]: row["index"] for row in self.rows() if not row["error"]}

    def close(self) -> None:
        """Stop writing; the file stays."""
        self._file.close()

    def write_csv(self, csv_file: Path, variants: Sequence[str]) -> None:
        """Write the rows as a table; the file of the rows stays until all results are written."""
        temporary = csv_file.with_name(f".{csv_file.name}.tmp")
        with open(temporary, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            pairs = pair_names(variants)
            table.writerow(_header(variants, pairs))
            for row in self.rows():
                table.writerow(_cells(row, variants, pairs))
        os.replace(temporary, csv_file)


def pair_names(variants: Sequence[str]) -> list[str]:
    """Return the pairs whose masks are compared.

    >>> pair_names(["day", "night", "auto"])
    ['day-night', 'day-auto', 'night-auto']
    """
    return [f"{a}-{b}" for i, a in enumerate(variants) for b in variants[i + 1 :]]


_OF_VARIANT = (
    *("route", "total_ms", "engine_ms", *(f"{stage}_ms" for stage in STAGES)),
    *("confidence", "flicker", "accuracy"),
)


def _header(variants: Sequence[str], pairs: Sequence[str]) -> list[str]:
    names = ["index", "topic", "stamp_ns", "bag_ns", "illumination"]
    for variant in variants:
        names += [f"{variant}_{what}" for what in _OF_VARIANT]
    return [*names, *(f"agree_{pair}" for pair in pairs), "reason", "error"]


def _cells(row: Row, variants: Sequence[str], pairs: Sequence[str]) -> list[Any]:
    cells = [row["index"], row["topic"], row["stamp_ns"], row["bag_ns"]]
    cells.append(row.get("illumination", ""))
    reason = ""
    for variant in variants:
        run = row.get("routes", {}).get(variant)
        if run is None:
            cells += [""] * len(_OF_VARIANT)
            continue
        ms = run["ms"]
        reason = run["reason"]
        engine = sum(ms[stage] for stage in ENGINE_STAGES)
        times = (ms["total"], engine, *(ms[stage] for stage in STAGES))
        accuracy = row.get("accuracy", {}).get(variant)
        shares = (run["confidence"], run["flicker"], accuracy)
        cells += [run["route"], *(round(time, 3) for time in times)]
        cells += ["" if share is None else share for share in shares]
    for pair in pairs:
        same = row.get("same", {}).get(pair)
        cells.append(round(same[0] / same[1], 6) if same else "")
    return [*cells, reason, row["error"]]
