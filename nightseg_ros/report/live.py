# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What was measured live, in a ROS graph, as a section of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nightseg_ros.report import charts
from nightseg_ros.report.live_text import LIMITS, models_in_words, notes, runs_in_words
from nightseg_ros.report.page import Card, Section, panels
from nightseg_ros.report.render import macro
from nightseg_ros.report.tables import listing, table

if TYPE_CHECKING:
    from markupsafe import Markup

FIGURES = ("min", "mean", "p50", "p95", "p99", "max")


def live_section(live: Mapping[str, Any]) -> Section:
    """Return the section of a `live` dictionary (live.json)."""
    warned = macro("parts.html", "warnings", notes(live))
    figures = macro("parts.html", "cards", _figures(live))
    speed = "as" if live["rate"] == 1 else f"{live['rate']:g} times as"
    return Section(
        "Live, in a ROS graph",
        warned + figures + panels(_chart(live), _runs(live), listing(_facts(live))),
        f"{live['frames']} frames played at {live['input_hz']:.1f} per second ({speed} recorded) "
        f"to the running node; {runs_in_words(live)}. "
        "Latency is from the publication of an image to the arrival of its mask.",
    )


def _figures(live: Mapping[str, Any]) -> list[Card]:
    summary = live["summary"]
    latency, jitter = summary["latency_ms"] or {}, summary["jitter_ms"] or {}
    missed = summary["missed_share"]
    return [
        Card(
            "masks",
            f"{_number(summary['masks'])} of {_number(summary['sent'])}",
            f"{_number(summary['masks_per_s'], 1)} per second"
            + ("" if missed is None else f", {100 * missed:.1f} % missed"),
        ),
        Card(
            "latency",
            f"{_number(latency.get('p50'), 1)} ms",
            f"median; p95 {_number(latency.get('p95'))}, p99 {_number(latency.get('p99'))} ms",
        ),
        Card(
            "jitter",
            f"{_number(jitter.get('mean'), 1)} ms",
            f"mean; at most {_number(jitter.get('max'))} ms",
        ),
        Card(
            "the node uses",
            f"{_number(summary['cpu_percent'])} %",
            f"of one core, and {_number(summary['memory_mb'])} MB",
        ),
    ]


def _chart(live: Mapping[str, Any]) -> Markup:
    points = [(at, ms) for at, ms in live["series"] if ms is not None]
    lost = [at for at, ms in live["series"] if ms is None]
    x = charts.time_axis(max((at for at, _ in live["series"]), default=0.0))
    y = charts.value_axis(max((ms for _, ms in points), default=1.0))
    layers = [charts.line(points, x, y, "var(--accent)")]
    layers += [charts.vertical(x, at, "var(--light)", 0.08) for at in lost]
    keys = {"latency": "var(--accent)"} | ({"no mask": "var(--light)"} if lost else {})
    # No cursor: these seconds are not those of the recording.
    title = "Latency of one typical run, ms"
    return charts.plot(title, x, y, layers, keys=keys, cursor=False)


def _runs(live: Mapping[str, Any]) -> Markup:
    header = ["run", "masks", "missed", "per s", *(f"ms {name}" for name in FIGURES)]
    header += ["jitter ms", "CPU %", "MB"]
    rows = [_row(str(number), run) for number, run in enumerate(live["runs"], 1)]
    if len(rows) > 1:
        rows.append(_row("all", live["summary"]))
    return table(header, rows, wide=(1, 3, 4, 5, 8, 10, 12), last_is_sum=len(rows) > 1)


def _row(name: str, run: Mapping[str, Any]) -> list[str]:
    latency, jitter = run["latency_ms"] or {}, run["jitter_ms"] or {}
    return [
        name,
        f"{_number(run['masks'])} of {_number(run['sent'])}",
        "-" if run["missed_share"] is None else f"{100 * run['missed_share']:.1f} %",
        _number(run["masks_per_s"], 1),
        *(_number(latency.get(key), 1) for key in FIGURES),
        _number(jitter.get("mean"), 1),
        _number(run["cpu_percent"]),
        _number(run["memory_mb"]),
    ]


def _facts(live: Mapping[str, Any]) -> dict[str, str]:
    facts = {
        "images": str(live.get("images", "")),
        "transport": str(live.get("transport", "")),
        "route": str(live.get("route", "")),
        "models": models_in_words(live["node"]),
    }
    found = live.get("max_rate")
    if found and found["hz"]:
        facts["highest rate"] = (
            f"{found['hz']:.1f} images per second with less than 5 % missed "
            f"({LIMITS[found['limit']]})"
        )
    return facts


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
