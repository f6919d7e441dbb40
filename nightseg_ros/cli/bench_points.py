# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench points`: error and time of ~/points on a rendered street of known geometry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nightseg_ros.cli.options.fields import option
from nightseg_ros.cli.progress import Progress
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.text_table import cell, text_table

GOAL_ERROR = 0.05
GOAL_MS = 3.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg bench points`."""

    width: int = option("of the mask (default: 480)", 480)
    height: int = option("of the mask (default: 272)", 272)
    frames: int = option("frames of the drive (default: 45)", 45, metavar="N")


def run(options: Options) -> dict[str, object]:
    """Measure."""
    if options.frames < 9:
        raise NightsegError(f"--frames is {options.frames}; need 9, one for each pitch and roll")
    from nightseg_ros.trials.bench_points import measure

    with Progress(options.frames, "frames") as progress:
        result = measure((options.width, options.height), options.frames, progress.advance)
    met = result["ground"]["p95"] <= GOAL_ERROR and result["milliseconds"]["p50"] <= GOAL_MS
    return {"bench": "points", **result, "met": bool(met)}


def render(result: dict[str, Any]) -> str:
    """Return the errors as a table."""
    rows = []
    for row in result["rows"]:
        errors = row["absolute"] or {}
        figures = (row["median"], errors.get("p50"), errors.get("p95"))
        low, high = row["metres"]
        rows.append(
            [
                row["name"],
                f"{low:g}-{high:g}",
                str(row["pixels"]),
                cell(100 * row["placed"]),
                *(cell(None if x is None else 100 * x) for x in figures),
            ]
        )
    header = ["class", "metres", "pixels", "placed %", "median %", "|error| p50", "p95"]
    width, height = result["size"]
    spent = result["milliseconds"]
    return "\n".join(
        [
            text_table(header, rows),
            "",
            "error of the distance along the ground, of things at their lowest pixels above the "
            "road; negative is too near",
            f"road and sidewalk to 15 m: p95 {100 * result['ground']['p95']:.2f} % "
            f"(goal {100 * GOAL_ERROR:g} %)",
            f"{width}x{height}: p50 {spent['p50']:.2f} ms, p95 {spent['p95']:.2f} ms of the "
            f"processor a frame (goal {GOAL_MS:g} ms)",
            "goals met" if result["met"] else "goals MISSED",
        ]
    )
