# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rate, age, drops, CPU and memory under load: one table as text, CSV and a page with plots.

A row is what `metrics.live` concludes of some runs, with the `name` of what ran and its `hz`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nightseg_ros.files.text_table import cell, text_table
from nightseg_ros.report import charts
from nightseg_ros.report.page import Section, grid, panels
from nightseg_ros.report.tables import table

if TYPE_CHECKING:
    from markupsafe import Markup

Row = Mapping[str, Any]

COLORS = ("var(--accent)", "var(--day)", "var(--translate)", "var(--fused)", "var(--light)")


@dataclass(frozen=True)
class Figure:
    """A column of the table."""

    title: str
    keys: tuple[str, ...]
    digits: int = 0
    factor: float = 1.0
    plotted: bool = True

    def of(self, row: Row) -> float | None:
        """Return the figure of a row, None where it was not measured."""
        value: Any = row
        for key in self.keys:
            value = (value or {}).get(key)
        return None if value is None else self.factor * float(value)


FIGURES = (
    Figure("sent/s", ("sent_per_s",), 1, plotted=False),
    Figure("masks/s", ("masks_per_s",), 1),
    Figure("age p50 ms", ("latency_ms", "p50")),
    Figure("age p99 ms", ("latency_ms", "p99")),
    Figure("dropped %", ("missed_share",), 1, 100.0),
    Figure("CPU %", ("cpu_percent",)),
    Figure("MB", ("memory_mb",)),
)
READ = (
    "Age is from the stamp of an image, set as it is sent, to the arrival of its mask at a "
    "subscriber, of masks that came while images came. Dropped images got no mask. 100 % of CPU "
    "are one core."
)


@dataclass(frozen=True)
class Curves:
    """Rows over something that grows: name -> (where on the x axis, row)."""

    title: str
    lines: Mapping[str, Sequence[tuple[float, Row]]]


def header() -> list[str]:
    """Return the names of the columns."""
    return ["what", "Hz", *(figure.title for figure in FIGURES)]


def numbers(row: Row) -> list[object]:
    """Return a row of the table with all digits, for CSV."""
    return [row["name"], row["hz"], *(figure.of(row) for figure in FIGURES)]


def texts(row: Row) -> list[str]:
    """Return a row of the table for people."""
    figures = (cell(figure.of(row), figure.digits) for figure in FIGURES)
    return [row["name"], f"{row['hz']:g}", *figures]


def load_table(rows: Sequence[Row]) -> str:
    """Return the table as text."""
    return text_table(header(), [texts(row) for row in rows])


def load_section(rows: Sequence[Row]) -> Section:
    """Return the table for a page."""
    return Section("All figures", panels(table(header(), [texts(row) for row in rows])), READ)


def curve_section(curves: Curves) -> Section:
    """Return one plot for each figure."""
    plots = [_plot(curves, figure) for figure in FIGURES if figure.plotted]
    return Section(curves.title, grid(panels(plot) for plot in plots))


def age_section(series: Mapping[str, Sequence[Sequence[float | None]]], hz: float) -> Section:
    """Return the age of each mask of one run of everything; points are [seconds, ms or None]."""
    known = {
        name: [(at or 0.0, ms) for at, ms in points if ms is not None]
        for name, points in series.items()
    }
    lines = {
        name: [(at, {"name": name, "hz": hz, "age": ms}) for at, ms in points]
        for name, points in known.items()
    }
    plot = _plot(Curves("", lines), Figure(f"age of each mask at {hz:g} Hz, ms", ("age",)))
    return Section("One run", panels(plot), "Seconds since the first image; one run of each.")


def _plot(curves: Curves, figure: Figure) -> Markup:
    colors = dict(zip(curves.lines, COLORS, strict=False))
    known = {
        name: [(at, value) for at, row in points if (value := figure.of(row)) is not None]
        for name, points in curves.lines.items()
    }
    every = [point for points in known.values() for point in points]
    x = charts.value_axis(max((at for at, _ in every), default=1.0))
    y = charts.value_axis(max((value for _, value in every), default=1.0))
    layers = []
    for name, points in known.items():
        if not points:
            continue
        layers += [charts.line(points, x, y, colors[name]), charts.dots(points, x, y, colors[name])]
    return charts.plot(figure.title, x, y, layers, keys=colors, cursor=False)
