# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench node --matrix`: the table of loads, as text, and in a folder with plots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightseg_ros.cli.progress import Progress
from nightseg_ros.files.atomic import write_atomically
from nightseg_ros.files.csv_file import write_csv
from nightseg_ros.files.json_file import to_json
from nightseg_ros.files.machine import machine
from nightseg_ros.report import load
from nightseg_ros.report.live_text import models_in_words
from nightseg_ros.report.page import Report, Section, page, panels
from nightseg_ros.report.tables import listing
from nightseg_ros.trials.process_usage import disturbed_starts

if TYPE_CHECKING:
    from nightseg_ros.trials.bench_node import Plan

CAMERAS = "Hz is that of each camera; sent and masks are those of all cameras together."
SHORT, FULL = "short", "full"
AXES: Mapping[str, tuple[str, Callable[[Any], float]]] = {
    "hz": ("Over the rate of a camera, Hz", float),
    "cameras": ("Over the number of cameras", float),
    "size": ("Over the size of the images, megapixels", lambda size: size[0] * size[1] / 1e6),
}
"""What varies -> how its section is called, and its place on the x axis."""


def measure_matrix(plan: Plan, which: str, out: Path | None) -> dict[str, object]:
    """Measure all cells, and write them where that is wanted."""
    from nightseg_ros.trials.bench_matrix import all_cells, measure, star_cells

    cells = all_cells() if which == FULL else star_cells()
    with Progress(len(cells), "cells") as progress:
        found = measure(plan, cells, lambda note: progress.advance(note=note))
    result = {"bench": "matrix", "cells": which, **found, "machine": machine()}
    if out is not None:
        _write(out, result)
        result["out"] = str(out)
    return result


def render_matrix(result: Mapping[str, Any]) -> str:
    """Return the table."""
    lines = [
        _lead(result),
        *disturbed_starts(result["busy"]),
        "",
        load.load_table(result["rows"]),
        "",
        load.READ,
        CAMERAS,
    ]
    return "\n".join([*lines, *([f"written to {result['out']}"] if result.get("out") else [])])


def _lead(result: Mapping[str, Any]) -> str:
    models = models_in_words(result["node"])
    return f"{models}; {result['seconds']:g} s each, a new node each; {result['transport']}"


def _write(out: Path, result: Mapping[str, Any]) -> None:
    rows = result["rows"]
    sections = [load.curve_section(_curves(rows, axis)) for axis in AXES]
    report = Report(
        "The node under load",
        f"{_lead(result)}. {CAMERAS}",
        notes=disturbed_starts(result["busy"]),
        sections=[
            *sections,
            load.load_section(rows),
            Section("What ran", panels(listing(result["machine"]))),
        ],
    )
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "matrix.html", page(report).encode())
    write_atomically(out / "matrix.json", (to_json(result) + "\n").encode())
    write_csv(out / "matrix.csv", load.header(), map(load.numbers, rows))


def _curves(rows: list[dict[str, Any]], axis: str) -> load.Curves:
    """Return the cells that differ from the default load in `axis` only, raw and JPEG."""
    from nightseg_ros.trials.bench_matrix import Cell, differences

    title, place = AXES[axis]
    lines: dict[str, list[tuple[float, load.Row]]] = {"raw": [], "JPEG": []}
    for row in rows:
        cell = Cell(row["cameras"], row["hz"], tuple(row["size"]), row["jpeg"])
        if differences(cell) <= {axis}:
            lines["JPEG" if cell.jpeg else "raw"].append((place(row[axis]), row))
    return load.Curves(title, {name: sorted(points, key=_first) for name, points in lines.items()})


def _first(point: tuple[float, load.Row]) -> float:
    return point[0]
