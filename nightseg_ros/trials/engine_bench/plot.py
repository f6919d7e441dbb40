# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a bench as one picture: time of one image on every engine, and over the sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


def plot(result: Mapping[str, Any], file: Path) -> str:
    """Write the picture; return why not where it cannot be drawn, else nothing."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return "no picture: it needs matplotlib (pip install matplotlib, or '.[train]')"
    rows = [row for row in result["rows"] if row["batch"] == 1] or list(result["rows"])
    sizes = list(dict.fromkeys((row["width"], row["height"]) for row in rows))
    first = [row for row in rows if (row["width"], row["height"]) == sizes[0]]
    panels = 2 if len(sizes) > 1 else 1
    figure = Figure(figsize=(7.0 * panels, 1.6 + 0.32 * max(8, len(first))), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, panels, squeeze=False)[0]
    colors = {label: f"C{index}" for index, label in enumerate(_unique(rows, "network"))}
    _bars(axes[0], first, colors)
    axes[0].set_title("{}x{}".format(*sizes[0]))
    if panels == 2:
        _lines(axes[1], rows, colors)
    machine = result["machine"]
    title = f"{machine['cpu']}, {machine['cores']} cores"
    figure.suptitle(f"{title}; {machine['gpu']}" if machine["gpu"] else title)
    figure.savefig(file, dpi=120)
    return ""


def _unique(rows: Sequence[Row], key: str) -> list[Any]:
    return list(dict.fromkeys(row[key] for row in rows))


def _bars(axis: Any, rows: Sequence[Row], colors: Mapping[str, str]) -> None:
    """Draw p50 with a whisker to p95, and what share of the ceiling that is."""
    ordered = sorted(rows, key=lambda row: -row["p50_ms"])
    names = [f"{row['network']}  {row['engine']} {row['precision']}" for row in ordered]
    values = [row["p50_ms"] for row in ordered]
    whiskers = [[0.0] * len(ordered), [max(0.0, row["p95_ms"] - row["p50_ms"]) for row in ordered]]
    axis.barh(
        range(len(ordered)),
        values,
        xerr=whiskers,
        color=[colors[row["network"]] for row in ordered],
        error_kw={"ecolor": "0.4", "capsize": 2},
    )
    axis.set_yticks(range(len(ordered)), names, fontsize=8)
    for index, row in enumerate(ordered):
        share = f"  {row['share']:.0%} of the ceiling" if row["share"] else ""
        text = f"  {row['p50_ms']:.1f} ms{share}"
        axis.text(row["p95_ms"], index, text, va="center", fontsize=7)
    axis.set_xlabel("ms, p50 (whisker: p95)")
    axis.set_xlim(0, 1.6 * max(row["p95_ms"] for row in rows))
    axis.spines[["top", "right"]].set_visible(False)


def _lines(axis: Any, rows: Sequence[Row], colors: Mapping[str, str]) -> None:
    """Draw p50 over the pixels of the image, one line for each network and engine."""
    styles = ("-", "--", ":", "-.")
    engines = _unique(rows, "engine")
    for label, color in colors.items():
        for index, engine in enumerate(engines):
            line = [row for row in rows if (row["network"], row["engine"]) == (label, engine)]
            for precision in _unique(line, "precision"):
                points = sorted(
                    (row["width"] * row["height"] / 1e6, row["p50_ms"])
                    for row in line
                    if row["precision"] == precision
                )
                axis.loglog(
                    *zip(*points, strict=True),
                    styles[index % len(styles)],
                    marker="o",
                    markersize=4,
                    color=color,
                    label=f"{label}, {engine} {precision}",
                )
    sizes = sorted(
        {(row["width"] * row["height"] / 1e6, row["width"], row["height"]) for row in rows}
    )
    axis.set_xticks([size[0] for size in sizes], [f"{w}x{h}" for _, w, h in sizes])
    axis.minorticks_off()
    axis.set_xlabel("size of the image")
    axis.set_ylabel("ms, p50")
    axis.grid(True, alpha=0.25)
    axis.legend(fontsize=7)
