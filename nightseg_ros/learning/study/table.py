# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of a study: what the paper prints, and beside it what ours measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.bundles.models_folder import find_bundles
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.text_table import cell, text_table
from nightseg_ros.learning.study.description import GAIN, INTERVAL, Study, Table, TableRow
from nightseg_ros.learning.study.results import ALL, Line

NOT_MEASURED = "not measured"
FIGURES = ("low", "high", "gain", "gain_low", "gain_high")
Found = Mapping[tuple[str, str], Mapping[str, Any]]


def table_of(study: Study, lines: Sequence[Line], models: Path) -> dict[str, Any]:
    """Return every table of a study as plain data; a figure that was not measured is None."""
    tables = []
    for table in study.tables:
        found = _gathered(lines if table.source == "results" else model_lines(models))
        tables.append(
            {
                "title": table.title,
                "paper": list(table.paper),
                "paper_gain": table.paper_gain or None,
                "ours": {name: list(shown) for name, shown in table.ours.items()},
                "rows": [_row(study, table, row, found) for row in table.rows],
                "notes": list(table.notes),
            }
        )
    shown = {name for table in study.tables for name in table.ours}
    return {
        "study": study.name,
        "title": study.title,
        "base": study.base,
        "tables": tables,
        "sets": {name: one.what for name, one in study.sets.items() if name in shown and one.what},
        "scales": list(dict.fromkeys(x["scale"] for x in lines if x["scale"])),
        "notes": list(study.notes),
    }


def model_lines(models: Path) -> list[Line]:
    """Return the figures of all model folders as lines of a results file, rows by MODEL@SET."""
    lines = []
    for path in find_bundles(models):
        for name, figures in Bundle.load(path, verify=False).metrics.items():
            if not isinstance(figures, Mapping):
                continue
            for key in ("miou", "class_accuracy"):
                if figures.get(key) is not None:
                    value = float(figures[key])
                    if not 0.0 <= value <= 100.0 or 0.0 < value <= 1.0:
                        raise NightsegError(
                            f"{path.name}: metrics.{name}.{key} is {value}; write percent, 0 to 100"
                        )
                    row = f"{path.name}@{name}"
                    lines.append({"row": row, "seed": ALL, "set": key, "value": value, "scale": ""})
    return lines


def _gathered(lines: Sequence[Line]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the figures over all seeds by row and set, and how far the seeds lie apart."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row, name in dict.fromkeys((x["row"], x["set"]) for x in lines):
        group = [x for x in lines if (x["row"], x["set"]) == (row, name)]
        values = [x["value"] for x in group if x["seed"] != ALL]
        whole = next((x for x in group if x["seed"] == ALL), {"value": mean(values or [0.0])})
        images = next((int(x["images"]) for x in group if x.get("images")), None)
        found[row, name] = {
            "mean": round(whole["value"], 2),
            "std": round(stdev(values), 2) if len(values) > 1 else None,
            "seeds": len(values),
            "images": images,
            **{key: whole.get(key) for key in FIGURES},
        }
    return found


def _row(study: Study, table: Table, row: TableRow, found: Found) -> dict[str, Any]:
    measured = {name for name, _ in found}
    ours = row.instead if row.instead and row.ours not in measured else row.ours
    figures: dict[str, Any] = {}
    for name in table.ours:
        one, base = found.get((ours, name)), found.get((study.base, name))
        if one is not None and base is not None and one["gain"] is None:
            one = {**one, "gain": one["mean"] - base["mean"]}
        figures[name] = one
    return {
        "id": row.id,
        "what": row.what,
        "paper": {column: row.paper.get(column) for column in table.paper},
        "paper_gain": _paper_gain(table, row),
        "row": ours or None,
        "instead": ours != row.ours,
        "ours": figures if ours else None,
    }


def _paper_gain(table: Table, row: TableRow) -> float | None:
    first, here = table.rows[0].paper.get(table.paper_gain), row.paper.get(table.paper_gain)
    return None if first is None or here is None else round(here - first, 2)


def render_text(result: Mapping[str, Any]) -> str:
    """Return the tables as text."""
    parts = [result["title"]]
    for table in result["tables"]:
        header, rows = _cells(result, table)
        left = [i for i, name in enumerate(header) if name in ("row", "what", "ours")]
        parts += [table["title"]] if table["title"] else []
        parts += [text_table(header, rows, left), "\n".join(table["notes"])]
    return "\n\n".join(part for part in (*parts, "\n".join(_notes(result))) if part)


def render_markdown(result: Mapping[str, Any]) -> str:
    """Return the tables as Markdown."""
    parts = [f"# {result['title']}"]
    for table in result["tables"]:
        header, rows = _cells(result, table)
        lines = ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)]
        parts += [f"## {table['title']}"] if table["title"] else []
        parts += ["\n".join(lines), *table["notes"]]
    return "\n\n".join((*parts, "\n".join(f"- {note}" for note in _notes(result))))


def _cells(
    result: Mapping[str, Any], table: Mapping[str, Any]
) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of a table, each figure as it is shown."""
    rows, paper = table["rows"], table["paper"]
    digits = {
        column: max((_decimals(row["paper"][column]) for row in rows), default=1)
        for column in paper
    }
    has_id = any(row["id"] for row in rows)
    header = [*(["row"] if has_id else []), "what", *(f"paper: {column}" for column in paper)]
    header += ["gain"] if table["paper_gain"] else []
    header.append("ours")
    for name, shown in table["ours"].items():
        header += [name, *(["95 %"] if INTERVAL in shown else [])]
        header += (["gain", "95 %"] if INTERVAL in shown else ["gain"]) if GAIN in shown else []
    cells = []
    for row in rows:
        line = [*([row["id"]] if has_id else []), row["what"]]
        line += [cell(row["paper"][column], digits[column]) for column in paper]
        line += [_signed(row["paper_gain"])] if table["paper_gain"] else []
        line.append((row["row"] or "-") + (" *" if row["instead"] else ""))
        for name, shown in table["ours"].items():
            line += _figures(row["ours"], name, shown, row["row"] == result["base"])
        cells.append(line)
    return header, cells


def _figures(
    ours: Mapping[str, Any] | None, name: str, shown: Sequence[str], is_base: bool
) -> list[str]:
    """Return the cells of a row on one set."""
    one = ours[name] if ours else None
    if one is None:
        extra = (INTERVAL in shown) + (GAIN in shown) * (1 + (INTERVAL in shown))
        return [NOT_MEASURED if ours else "-", *["-"] * extra]
    spread = "" if one["std"] is None else f"+-{one['std']:.1f}"
    line = [f"{one['mean']:.{1 if one['seeds'] else 2}f}{spread}"]
    if INTERVAL in shown:
        line.append(_interval(one["low"], one["high"], ""))
    if GAIN in shown:
        line.append("-" if is_base else _signed(one["gain"]))
        if INTERVAL in shown:
            line.append("-" if is_base else _interval(one["gain_low"], one["gain_high"], "+"))
    return line


def _notes(result: Mapping[str, Any]) -> list[str]:
    measured = [
        one
        for table in result["tables"]
        for row in table["rows"]
        for one in (row["ours"] or {}).values()
        if one is not None and one["seeds"]
    ]
    notes = [f"{name}: {what}" for name, what in result["sets"].items()]
    if measured:
        seeds = sorted({one["seeds"] for one in measured})
        over = "one seed" if seeds == [1] else f"{'/'.join(map(str, seeds))} seeds"
        notes.append(f"ours: percent, mean+-standard deviation over {over}")
    else:
        notes.append(f"ours: {NOT_MEASURED}; run `nightseg study run {result['study']}`")
    if any(one["low"] is not None for one in measured):
        notes.append(
            "95 %: bootstrap, of the mean over seeds. "
            f"gain: over {result['base']}, paired; significant where its interval leaves out 0"
        )
    notes += [f"our scale: {scale}" for scale in result["scales"]]
    if any(row["instead"] for table in result["tables"] for row in table["rows"]):
        notes.append("* another row of ours in its place: what it needs was not given")
    return [*notes, *result["notes"]]


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1f}"


def _interval(low: float | None, high: float | None, sign: str) -> str:
    return "-" if low is None or high is None else f"{low:{sign}.1f} to {high:{sign}.1f}"


def _decimals(value: float | None) -> int:
    return 1 if value is None or round(value, 1) == value else 2
