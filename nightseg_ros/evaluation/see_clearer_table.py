# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The paper's Table 2 and ratio sweep beside ours, read from model folders and a sweep file."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from nightseg_ros.bundle import Bundle, find_bundles
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation import see_clearer_paper as paper
from nightseg_ros.evaluation.text_table import cell, text_table

NOT_MEASURED = "not measured"

_COLUMNS = ("converted", "seed", "set", "miou")


def see_clearer(models_dir: Path, sweep: Path) -> dict[str, Any]:
    """Return the paper's figures and ours, None where ours were not measured."""
    ours = {path.name: Bundle.load(path, verify=False).metrics for path in find_bundles(models_dir)}
    rows = []
    for row in paper.TABLE_2:
        figures = _figures(ours.get(row.our_model, {}), row.our_model, row.our_set)
        rows.append(
            {
                "method": row.method,
                "test": row.test,
                "paper": {"miou": row.miou, "class_accuracy": row.class_accuracy},
                "ours": {
                    "model": row.our_model or None,
                    "set": row.our_set or None,
                    "miou": figures.get("miou"),
                    "class_accuracy": figures.get("class_accuracy"),
                },
            }
        )
    return {
        "paper": paper.TITLE,
        "table_2": rows,
        "sweep": {
            "paper": {"converted": paper.SWEEP_CONVERTED, **paper.SWEEP, "note": paper.SWEEP_NOTE},
            "ours": read_sweep(sweep),
        },
    }


def read_sweep(path: Path) -> list[dict[str, Any]]:
    """Return mean and spread over seeds for each set and number of converted images.

    The file has the columns converted, seed, set, miou (percent); no file gives an empty list.
    """
    if not path.is_file():
        return []
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        absent = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
        if absent:
            raise NightsegError(f"{path}: there is no column {', '.join(absent)}")
        for number, row in enumerate(reader, 2):
            try:
                key, miou = (row["set"], int(row["converted"])), float(row["miou"])
            except (TypeError, ValueError) as error:
                raise NightsegError(f"{path}:{number}: {row} holds no number ({error})") from error
            found[key].append(_in_percent(miou, f"{path}:{number}"))
    return [
        {
            "set": name,
            "converted": converted,
            "seeds": len(values),
            "miou": round(mean(values), 2),
            "std": round(stdev(values), 2) if len(values) > 1 else None,
        }
        for (name, converted), values in sorted(found.items())
    ]


def render_see_clearer(result: Mapping[str, Any]) -> str:
    """Return the tables as text."""
    return "\n\n".join(
        [
            f"{result['paper']} beside ours: NOT on the same data",
            _render_table_2(result["table_2"]),
            "mIoU and class accuracy in percent. Paper: 19 classes of BDD10K, trained on 7000 "
            "images.\nOurs: 11 joint classes, trained on some hundred images; "
            + "; ".join(f"{key} = {what}" for key, what in paper.OUR_SETS.items())
            + ".\nCompare the differences between rows, not the figures across.",
            "mIoU over the number of training images converted to night (paper [F])",
            _render_paper_sweep(),
            paper.SWEEP_NOTE,
            _render_our_sweep(result["sweep"]["ours"]),
        ]
    )


def _render_table_2(rows: list[dict[str, Any]]) -> str:
    header = ["method", "paper: test", "mIoU", "mAcc", "ours: model", "set", "mIoU", "mAcc"]
    lines = []
    for row in rows:
        theirs, ours = row["paper"], row["ours"]
        missing = NOT_MEASURED if ours["model"] else ""
        lines.append(
            [
                row["method"],
                row["test"],
                f"{theirs['miou']:.2f}",
                cell(theirs["class_accuracy"], 2),
                ours["model"] or "-",
                ours["set"] or "-",
                cell(ours["miou"], 2) if ours["miou"] is not None else missing or "-",
                cell(ours["class_accuracy"], 2),
            ]
        )
    return text_table(header, lines, left=(0, 1, 4, 5))


def _render_paper_sweep() -> str:
    header = ["paper, of 7000 images", *map(str, paper.SWEEP_CONVERTED)]
    rows = [
        ["share of the images", *_shares(paper.SWEEP_CONVERTED)],
        *([name, *(f"{value:.1f}" for value in values)] for name, values in paper.SWEEP.items()),
    ]
    return text_table(header, rows)


def _render_our_sweep(sweep: list[dict[str, Any]]) -> str:
    if not sweep:
        return f"ours: {NOT_MEASURED}"
    converted = sorted({point["converted"] for point in sweep})
    points = {(point["set"], point["converted"]): point for point in sweep}
    rows = [["share of the images", *_shares(converted)]]
    for name in dict.fromkeys(point["set"] for point in sweep):
        row = [name]
        for count in converted:
            point = points.get((name, count))
            spread = "" if point is None or point["std"] is None else f"+-{point['std']:.1f}"
            row.append(NOT_MEASURED if point is None else f"{point['miou']:.1f}{spread}")
        rows.append(row)
    seeds = sorted({point["seeds"] for point in sweep})
    counted = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    header = [f"ours, of {converted[-1]} images", *map(str, converted)]
    return f"{text_table(header, rows)}\nours: mean and standard deviation over {counted} seeds"


def _shares(converted: tuple[int, ...] | list[int]) -> list[str]:
    return [f"{100 * count / max(1, max(converted)):.0f} %" for count in converted]


def _figures(metrics: Mapping[str, Any], model: str, key: str) -> Mapping[str, float]:
    figures = metrics.get(key, {})
    if not isinstance(figures, Mapping):
        raise NightsegError(f"{model}: metrics.{key} is {figures!r}, need a mapping with miou")
    return {
        name: _in_percent(float(figures[name]), f"{model}: metrics.{key}.{name}")
        for name in ("miou", "class_accuracy")
        if figures.get(name) is not None
    }


def _in_percent(value: float, where: str) -> float:
    if not 0.0 <= value <= 100.0 or 0.0 < value <= 1.0:
        raise NightsegError(f"{where} is {value}; write percent, 0 to 100")
    return value
