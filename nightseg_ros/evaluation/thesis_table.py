# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The improvement table of the thesis beside ours, read from the file that the sweep writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from nightseg_ros.evaluation import thesis_paper as paper
from nightseg_ros.evaluation.results_file import read_results_file
from nightseg_ros.evaluation.text_table import cell, text_table

NOT_MEASURED = "not measured"
COLUMNS = ("training", "seed", "set", "value", "scale")
OUR_SETS = {
    "night": ("bdd_labelled_val@night", "mIoU, BDD night val, 7 frames"),
    "converted": ("converted", "the same frames converted to day"),
    "day": ("bdd_labelled_val@day", "mIoU, BDD day val, 30 frames"),
    "recall": ("recall", "share of the drivable lanes found as road, 150 night frames"),
}
"""Our columns: the set's name in the file, and what it is."""

Found = dict[tuple[str, str], list[float]]


def thesis(results: Path) -> dict[str, Any]:
    """Return the rows of the thesis with ours, None where ours were not measured."""
    found, scales = read_results(results)
    rows = []
    for row in paper.ROWS:
        ours = row.ours
        if row.instead and not any(training == row.ours for training, _ in found):
            ours = row.instead
        figures = {key: spread(found.get((ours, name), [])) for key, (name, _) in OUR_SETS.items()}
        rows.append(
            {
                "id": row.id,
                "configuration": row.configuration,
                "paper": {"miou": row.miou, "converted": row.converted},
                "ours": {"training": ours, "instead": ours != row.ours, **figures},
            }
        )
    return {"paper": paper.TITLE, "rows": rows, "scales": scales, "file": str(results)}


def read_results(path: Path) -> tuple[Found, list[str]]:
    """Return the values over seeds by training and set, and the scales they were trained at."""
    lines = read_results_file(path, COLUMNS, "value")
    found: Found = defaultdict(list)
    for line in lines:
        found[line["training"], line["set"]].append(line["value"])
    return dict(found), list(dict.fromkeys(str(line["scale"]) for line in lines))


def spread(values: list[float]) -> dict[str, float | int | None] | None:
    """Return mean and standard deviation over the seeds, None of no values."""
    if not values:
        return None
    return {
        "mean": round(mean(values), 2),
        "std": round(stdev(values), 2) if len(values) > 1 else None,
        "seeds": len(values),
    }


def render_thesis(result: Mapping[str, Any]) -> str:
    """Return the table as text."""
    header = ["row", "configuration", "paper", "converted", "gain"]
    header += ["ours: training", *OUR_SETS, "gain"]
    first = result["rows"][0]
    lines = []
    for row in result["rows"]:
        theirs, ours = row["paper"], row["ours"]
        line = [row["id"], row["configuration"], f"{theirs['miou']:.1f}"]
        line += [cell(theirs["converted"], 1), f"{theirs['miou'] - first['paper']['miou']:+.1f}"]
        line.append(ours["training"] + (" *" if ours["instead"] else ""))
        line += [figure(ours[key]) for key in OUR_SETS]
        night, start = ours["night"], first["ours"]["night"]
        known = night is not None and start is not None
        line.append(f"{night['mean'] - start['mean']:+.1f}" if known else "-")
        lines.append(line)
    seeds = sorted(
        {row["ours"]["night"]["seeds"] for row in result["rows"] if row["ours"]["night"]}
    )
    notes = [
        "paper: mIoU of 19 classes on Nighttime Driving (50 frames), ResNet-101, one seed",
        "ours: " + "; ".join(f"{key} = {what}" for key, (_, what) in OUR_SETS.items()),
        f"ours: 11 joint classes, percent, mean and standard deviation over {seeds} seeds"
        if seeds
        else f"ours: {NOT_MEASURED}; run `nightseg train config/recipes/thesis.yaml`",
        *(f"our scale: {scale}" for scale in result["scales"]),
        paper.NOTE,
    ]
    if seeds and any(row["ours"]["instead"] for row in result["rows"]):
        notes.append("* one translator for both: rows 2 and 3 are the same trainings of ours")
    notes.append("Gains are over row 1.1. Compare these between the sides, not the figures across.")
    title = f"{result['paper']} beside ours: NOT on the same data"
    return "\n\n".join([title, text_table(header, lines, left=(0, 1, 5)), "\n".join(notes)])


def figure(found: Mapping[str, Any] | None) -> str:
    """Return a spread as a cell."""
    if found is None:
        return NOT_MEASURED
    width = "" if found["std"] is None else f"+-{found['std']:.1f}"
    return f"{found['mean']:.1f}{width}"
