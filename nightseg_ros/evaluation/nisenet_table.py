# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The NiSeNet table, read from the file that the sweep writes: every row, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import stdev
from typing import Any

from nightseg_ros.evaluation import nisenet_rows as rows_of
from nightseg_ros.evaluation.fused_rows import fused_rows, render_fused
from nightseg_ros.evaluation.results_file import Line, read_results_file
from nightseg_ros.evaluation.text_table import text_table

NOT_MEASURED = "not measured"
FIGURES = ("miou", "low", "high", "gain", "gain_low", "gain_high")
COLUMNS = ("row", "seed", "set", "images", *FIGURES, "scale")
ALL = "all"
OUR_SETS = {
    "night": "bdd_labelled_val@night",
    "day": "bdd_labelled_val@day",
    "dusk": "bdd_labelled_val@dusk,dark",
}


def nisenet(results: Path, fused: Path) -> dict[str, Any]:
    """Return all rows, None where they were not measured."""
    lines, scales = read_nisenet(results)
    rows = []
    for row, what in rows_of.ROWS.items():
        figures = {key: _gathered(lines, row, name) for key, name in OUR_SETS.items()}
        if row not in rows_of.CONTROLS or any(figures.values()):
            rows.append({"row": row, "what": what, **figures})
    return {
        "paper": rows_of.TITLE,
        "note": rows_of.NO_TABLE,
        "nisenet": rows,
        "fused": fused_rows(fused),
        "base": rows_of.BASE,
        "scales": scales,
        "file": str(results),
    }


def read_nisenet(path: Path) -> tuple[list[Line], list[str]]:
    """Return the lines of the file, and the scales they were trained at."""
    lines = read_results_file(path, COLUMNS, FIGURES[0], ("images", *FIGURES[1:]))
    return lines, list(dict.fromkeys(str(line["scale"]) for line in lines))


def _gathered(lines: list[Line], row: str, name: str) -> Line | None:
    """Return the figures of a row over all its seeds, and how far these lie apart."""
    found = [line for line in lines if (line["row"], line["set"]) == (row, name)]
    whole = next((line for line in found if line["seed"] == ALL), None)
    if whole is None:
        return None
    values = [float(line["miou"]) for line in found if line["seed"] != ALL]
    spread = round(stdev(values), 2) if len(values) > 1 else None
    kept = {key: whole[key] for key in FIGURES}
    return {"images": int(whole["images"] or 0), **kept, "std": spread, "seeds": len(values)}


def render_nisenet(result: Mapping[str, Any]) -> str:
    """Return the table as text."""
    header = ["row", "what", "night", "95 %", "gain", "95 %", "day", "95 %", "dusk", "95 %"]
    lines = []
    for row in result["nisenet"]:
        night, day, dusk = (row[key] for key in OUR_SETS)
        line = [row["row"], row["what"], _mean(night), _interval(night, "low", "high")]
        if row["row"] == result["base"] or night is None:
            line += ["-", "-"]
        else:
            line += [f"{night['gain']:+.1f}", _interval(night, "gain_low", "gain_high")]
        for figures in (day, dusk):
            line += [_mean(figures), _interval(figures, "low", "high")]
        lines.append(line)
    measured = [row["night"] for row in result["nisenet"] if row["night"]]
    notes = [result["note"]]
    if measured:
        images = {
            key: next((row[key]["images"] for row in result["nisenet"] if row[key]), 0)
            for key in OUR_SETS
        }
        seeds = sorted({figures["seeds"] for figures in measured})
        told = ", ".join(f"{count} {key}" for key, count in images.items())
        notes += [
            f"mIoU of 11 joint classes over those present, percent, mean+-standard deviation over "
            f"{'/'.join(map(str, seeds))} seeds, on validation frames of BDD ({told}).",
            "95 %: bootstrap over images, of the mean over seeds. gain: by night over the row "
            f"{result['base']}, drawn in pairs; it is one where its interval leaves out 0.",
            "oracle chooses by the pixels that are right: a bound of these, not strictly of mIoU.",
            *(f"our scale: {scale}" for scale in result["scales"]),
        ]
    else:
        notes.append(f"ours: {NOT_MEASURED}; run `nightseg train config/recipes/nisenet.yaml`")
    title = f"{result['paper']}: its parts, and what they are compared with"
    parts = [title, text_table(header, lines, left=(0, 1)), "\n".join(notes)]
    return "\n\n".join(parts + ([render_fused(result["fused"])] if result["fused"] else []))


def _mean(figures: Line | None) -> str:
    if figures is None:
        return NOT_MEASURED
    width = "" if figures["std"] is None else f"+-{figures['std']:.1f}"
    return f"{figures['miou']:.1f}{width}"


def _interval(figures: Line | None, low: str, high: str) -> str:
    if figures is None or figures[low] is None or figures[high] is None:
        return "-"
    sign = "+" if low.startswith("gain") else ""
    return f"{figures[low]:{sign}.1f} to {figures[high]:{sign}.1f}"
