# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The results of each replayed frame, written line by line so that a replay can be resumed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from nightseg_ros.files.csv_file import write_csv
from nightseg_ros.perception.timing import ENGINE_STAGES, STAGES

Row = dict[str, Any]
"""index, topic, stamp_ns, bag_ns, error; then illumination, followed (the share of pixels that
optical flow followed), routes: variant -> {route, reason, ms, confidence, flicker},
same: pair -> [equal pixels, pixels], counts: variant -> [cells, values, pixels]."""

PARTIAL = "replay.partial.jsonl"


class RowFile:
    """The rows so far, after a first line with the key of their replay."""

    def __init__(self, folder: Path, key: dict[str, Any], *, resume: bool = True) -> None:
        self.path = folder / PARTIAL
        self.done = 0
        """Rows of an earlier replay."""
        head = json.dumps(key, sort_keys=True) + "\n"
        end = 0
        if resume and self.path.is_file():
            with self.path.open("rb") as file:
                if file.readline() == head.encode():
                    end = file.tell()
                    for line in file:
                        if not line.endswith(b"\n"):  # an incomplete line
                            break
                        end += len(line)
                        self.done += 1
        self._start = len(head.encode())
        if end:
            os.truncate(self.path, end)
        else:
            self.path.write_text(head, encoding="utf-8")
        self._file: TextIO = self.path.open("a", encoding="utf-8")

    def append(self, row: Row) -> None:
        """Add the next row; it survives a crash of this process."""
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()

    def rows(self) -> Iterator[Row]:
        """Yield the rows from the first."""
        with self.path.open("rb") as file:
            file.seek(self._start)
            for line in file:
                yield json.loads(line)

    def latest(self) -> dict[str, int]:
        """Return topic -> index of its last readable frame."""
        return {row["topic"]: row["index"] for row in self.rows() if not row["error"]}

    def close(self) -> None:
        """Stop writing; the file stays."""
        self._file.close()

    def write_csv(self, csv_file: Path, variants: Sequence[str]) -> None:
        """Write the rows as a table; the file of rows stays until all results are written."""
        pairs = pair_names(variants)
        cells = (_cells(row, variants, pairs) for row in self.rows())
        write_csv(csv_file, _header(variants, pairs), cells)


def pair_names(variants: Sequence[str]) -> list[str]:
    """Return the pairs whose masks are compared.

    >>> pair_names(["day", "night", "auto"])
    ['day-night', 'day-auto', 'night-auto']
    """
    return [f"{a}-{b}" for i, a in enumerate(variants) for b in variants[i + 1 :]]


TRUST = ("confidence", "unsure", "novelty")
_OF_VARIANT = (
    *("route", "total_ms", "engine_ms", *(f"{stage}_ms" for stage in STAGES)),
    *(*TRUST, "flicker", "accuracy"),
)


def _header(variants: Sequence[str], pairs: Sequence[str]) -> list[str]:
    names = ["index", "topic", "stamp_ns", "bag_ns", "illumination", "followed"]
    for variant in variants:
        names += [f"{variant}_{what}" for what in _OF_VARIANT]
    names += [f"agree_{pair}" for pair in pairs]
    return [*names, "visibility", "faults", "region", "reason", "error"]


def _cells(row: Row, variants: Sequence[str], pairs: Sequence[str]) -> list[Any]:
    cells = [row["index"], row["topic"], row["stamp_ns"], row["bag_ns"]]
    followed = row.get("followed")
    cells += [row.get("illumination", ""), "" if followed is None else followed]
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
        shares = (*(run[name] for name in TRUST), run["flicker"], accuracy)
        cells += [run["route"], *(round(time, 3) for time in times)]
        cells += ["" if share is None else share for share in shares]
    for pair in pairs:
        same = row.get("same", {}).get(pair)
        cells.append(round(same[0] / same[1], 6) if same else "")
    cells += [row.get("visibility", ""), " ".join(row.get("faults", ())), row.get("region", "")]
    return [*cells, reason, row["error"]]
