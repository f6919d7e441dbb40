# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a study: a curve with its band beside the paper's, or a forest plot of the gains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import stdev
from typing import Any

from nightseg_ros.learning.study.description import GAIN, Study, Table
from nightseg_ros.learning.study.results import ALL, Line


def draw(study: Study, lines: Sequence[Line], path: Path) -> None:
    """Draw the picture that the study asks for, where matplotlib is installed."""
    try:
        import matplotlib
    except ImportError:
        return  # an extra
    matplotlib.use("Agg")
    from matplotlib import pyplot

    table = next(one for one in study.tables if one.source == "results")
    figure, axis = pyplot.subplots(figsize=(7, 4.5))
    if study.plot == "curve":
        _draw_curve(axis, table, lines)
    else:
        _draw_forest(axis, study, table, lines)
    axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _draw_curve(axis: Any, table: Table, lines: Sequence[Line]) -> None:
    """Draw each set over the places of the rows: mean and interval; the paper's dashed."""
    for name in table.ours:
        points = []
        for row in table.rows:
            found = [x for x in lines if (x["row"], x["set"]) == (row.ours, name)]
            whole = next((x for x in found if x["seed"] == ALL), None)
            if row.at is None or whole is None:
                continue
            value = whole["value"]
            low, high = whole.get("low"), whole.get("high")
            if low is None or high is None:
                values = [x["value"] for x in found if x["seed"] != ALL]
                width = stdev(values) if len(values) > 1 else 0.0
                low, high = value - width, value + width
            points.append((row.at, value, low, high))
        if points:
            xs, middle, lows, highs = zip(*sorted(points), strict=True)
            (line,) = axis.plot(xs, middle, marker="o", label=f"{name}, ours")
            axis.fill_between(xs, lows, highs, alpha=0.15, color=line.get_color())
    rows = [row for row in table.rows if row.at is not None]
    for column in table.paper:
        known = [row for row in rows if column in row.paper]
        heights = [row.paper[column] for row in known]
        axis.plot([row.at for row in known], heights, "--x", label=f"{column}, paper")
    axis.set(xlabel=table.title, ylabel="%")
    axis.legend(fontsize=7)


def _draw_forest(axis: Any, study: Study, table: Table, lines: Sequence[Line]) -> None:
    """Draw the gain of each row over the base with its interval."""
    name = next((key for key, shown in table.ours.items() if GAIN in shown), next(iter(table.ours)))
    found = {x["row"]: x for x in lines if (x["seed"], x["set"]) == (ALL, name)}
    rows = [
        row
        for row in study.rows
        if row != study.base and found.get(row, {}).get("gain") is not None
    ]
    for place, row in enumerate(reversed(rows)):
        line = found[row]
        low, high = line["gain_low"], line["gain_high"]
        sure = low is not None and high is not None and (low > 0 or high < 0)
        colour = "C0" if sure else "grey"
        axis.plot(line["gain"], place, "o", color=colour)
        if low is not None and high is not None:
            axis.plot([low, high], [place, place], color=colour)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_yticks(range(len(rows)), list(reversed(rows)))
    axis.set(xlabel=f"gain on {name} over {study.base}, points with 95 % interval")
