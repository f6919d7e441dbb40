# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of Similarity Min-Max beside ours, read from the file that the sweep writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nightseg_ros.evaluation import min_max_paper as paper
from nightseg_ros.evaluation.results_file import read_results_file
from nightseg_ros.evaluation.text_table import cell, text_table
from nightseg_ros.evaluation.thesis_table import COLUMNS, NOT_MEASURED, figure, read_results, spread

INTERVAL = " 95"
"""What follows the name of a set in the rows over all seeds."""
BOUNDS = ("low", "high", "gain", "gain_low", "gain_high")
BASE = "day"
OUR_SETS = {
    "night": ("bdd_labelled_val@night", "mIoU, BDD night val"),
    "recall": ("recall", "share of the drivable lanes found as road by night"),
    "day": ("bdd_labelled_val@day", "mIoU, BDD day val"),
    "dusk": ("bdd_labelled_val@dusk,dark", "at dusk and dark by day"),
}
WITH_INTERVALS = ("night", "recall")
Bounds = dict[str, float | None]


def min_max(results: Path, codan: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Return the rows of the paper with ours, None where ours were not measured.

    `codan` holds ours of classifiers, by row.
    """
    found, scales = read_results(results)
    bounds = read_bounds(results)
    rows = []
    for row in paper.ROWS:
        figures: dict[str, Any] = {}
        for key, (name, _) in OUR_SETS.items():
            figures[key] = spread(found.get((row.ours, name), []))
            if figures[key] is not None:
                figures[key] |= bounds.get((row.ours, name), dict.fromkeys(BOUNDS))
        theirs = {"driving": row.driving, "dark_zurich": row.dark_zurich, "codan": row.codan}
        classified = {"codan": (codan or {}).get(row.ours)}
        ours = {"training": row.ours, **figures, **classified} if row.ours else None
        rows.append({"what": row.what, "paper": theirs, "ours": ours})
    return {"paper": paper.TITLE, "min_max": rows, "scales": scales, "file": str(results)}


def read_bounds(path: Path) -> dict[tuple[str, str], Bounds]:
    """Return the intervals, and the gains over the day model, by training and set."""
    return {
        (line["training"], line["set"].removesuffix(INTERVAL)): {key: line[key] for key in BOUNDS}
        for line in read_results_file(path, COLUMNS, "value", BOUNDS)
        if line["set"].endswith(INTERVAL)
    }


def render_min_max(result: Mapping[str, Any]) -> str:
    """Return the table as text."""
    header = ["configuration", "ND", "DZ", "CODaN", "ours", "CODaN"]
    for key in OUR_SETS:
        header += [key, "95 %", "gain", "95 %"] if key in WITH_INTERVALS else [key]
    lines, seeds = [], set()
    for row in result["min_max"]:
        theirs, ours = row["paper"], row["ours"]
        line = [row["what"], *(cell(theirs[key], 1) for key in ("driving", "dark_zurich"))]
        line += [cell(theirs["codan"], 2), ours["training"] if ours else "-"]
        line.append(cell(ours["codan"] if ours else None, 2))
        for key in OUR_SETS:
            found = ours[key] if ours else None
            line.append(figure(found) if ours else "-")
            if found is not None:
                seeds.add(found["seeds"])
            if key in WITH_INTERVALS:
                line += _bounds(found, ours is not None and ours["training"] == BASE)
        lines.append(line)
    notes = [
        "paper: mIoU on Nighttime Driving (ND) and Dark Zurich test (DZ), RefineNet on ResNet-101; "
        "CODaN: top-1 by night, ResNet-18",
        "ours: " + "; ".join(f"{key} = {what}" for key, (_, what) in OUR_SETS.items()),
    ]
    if seeds:
        told = "/".join(map(str, sorted(seeds)))
        notes += [
            "ours: mIoU over 11 joint classes, percent, mean+-standard deviation over "
            f"{told} seeds; all trainings start from one day model",
            "95 %: bootstrap over frames, of the mean over seeds. gain: over the day model, drawn "
            "in pairs; it is one where its interval leaves out 0",
            "all darkened rows of ours are trained with the similarity of the adaptation, except "
            "without_both and without_adaptation",
            *(f"our scale: {scale}" for scale in result["scales"]),
        ]
    else:
        notes.append(
            f"ours: {NOT_MEASURED}; run `nightseg train config/recipes/min_max_sweep.yaml`"
        )
    notes.append("Compare the gains between the sides, not the figures across.")
    title = f"{result['paper']} beside ours: NOT on the same data"
    return "\n\n".join([title, text_table(header, lines, left=(0, 4)), "\n".join(notes)])


def _bounds(found: Mapping[str, Any] | None, base: bool) -> list[str]:
    """Return interval, gain, and interval of the gain."""
    if found is None:
        return ["-", "-", "-"]
    own = _interval(found["low"], found["high"], "")
    if base or found["gain"] is None:
        return [own, "-", "-"]
    gained = _interval(found["gain_low"], found["gain_high"], "+")
    return [own, f"{found['gain']:+.1f}", gained]


def _interval(low: float | None, high: float | None, sign: str) -> str:
    return "-" if low is None or high is None else f"{low:{sign}.1f} to {high:{sign}.1f}"
