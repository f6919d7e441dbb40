# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Summarises the replays of many bags: the result of each, and all their frames together."""

from __future__ import annotations

import csv
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nightseg_ros.files.text_table import cell, text_table
from nightseg_ros.metrics.percentiles import percentiles
from nightseg_ros.replay.report import FRAMES

FILE = "replays.json"


def summarise(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the figures over all bags.

    A part has the `bag`, its folder `out`, and its `result` as in replay.json or the `error`.
    Latencies cover all frames, read from the tables of the bags.
    """
    good = [part for part in parts if not part["error"]]
    names = [name for part in good for name in part["result"]["variants"]]
    return {
        "bags": [_line(part) for part in parts],
        "done": len(good),
        "failed": len(parts) - len(good),
        "frames": sum(part["result"]["frames"] for part in good),
        "failed_frames": sum(part["result"]["failed"] for part in good),
        "stopped": sum(part["result"]["stopped"] is not None for part in good),
        "variants": {name: _variant(name, good) for name in dict.fromkeys(names)},
    }


def render_many(result: Mapping[str, Any]) -> str:
    """Return the figures as text."""
    rows = [_row(line) for line in result["bags"]]
    header = ["bag", "frames", "ms p50", "p95", "mIoU", "taken", ""]
    lines = [text_table(header, rows, left=(0, 5, 6)), ""]
    for name, figures in result["variants"].items():
        ms = figures["latency_ms"]
        speed = f", {ms['p50']:.1f} ms (p95 {ms['p95']:.1f})" if ms else ""
        miou = figures["miou_mean_of_bags"]
        scored = "" if miou is None else f", mIoU {miou:.1f} (mean of the bags)"
        lines.append(f"{name}: {figures['frames']} frames{speed}{scored}; {_taken(figures)}")
    failed = f", {result['failed']} FAILED" if result["failed"] else ""
    lines.append(
        f"{result['done']} of {len(result['bags'])} bags{failed}, {result['frames']} frames in "
        f"{result['seconds']:.0f} s; results in {result['out']}"
    )
    for line in result["bags"]:
        if line["error"]:
            lines.append(f"failed: {line['bag']}: {line['error']}")
    lines.append(f"report: {result['report']}")
    return "\n".join(lines)


def _line(part: Mapping[str, Any]) -> dict[str, Any]:
    line = {"bag": part["bag"], "out": part["out"], "error": part["error"]}
    if part["error"]:
        return line
    result = part["result"]
    return {
        **line,
        "frames": result["frames"],
        "failed": result["failed"],
        "stopped": None if result["stopped"] is None else result["stopped"]["text"],
        "resumed": result["resumed"],
        "seconds": result["seconds"],
        "variants": {
            name: {
                "routes": figures["routes"],
                "route_changes": figures["route_changes"],
                "latency_ms": figures["latency_ms"],
                "miou": _miou(figures),
            }
            for name, figures in result["variants"].items()
        },
    }


def _variant(name: str, good: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found = [p["result"]["variants"][name] for p in good if name in p["result"]["variants"]]
    routes: Counter[str] = Counter()
    for figures in found:
        routes.update(figures["routes"])
    scored = [miou for miou in map(_miou, found) if miou is not None]
    total_ms = array("d")
    for part in good:
        total_ms.extend(_column(Path(part["out"]) / FRAMES, f"{name}_total_ms"))
    return {
        "frames": sum(routes.values()),
        "routes": dict(routes),
        "route_changes": sum(figures["route_changes"] for figures in found),
        "latency_ms": percentiles(total_ms),
        "miou_mean_of_bags": sum(scored) / len(scored) if scored else None,
    }


def _column(table: Path, name: str) -> list[float]:
    try:
        with table.open(newline="", encoding="utf-8") as file:
            return [float(row[name]) for row in csv.DictReader(file) if row.get(name)]
    except OSError:  # replayed on another machine, so its folder is not here
        return []


def _miou(figures: Mapping[str, Any]) -> float | None:
    scores = figures["scores"]
    return None if scores is None or scores["miou"] is None else float(scores["miou"])


def _row(line: Mapping[str, Any]) -> list[str]:
    name = Path(line["out"]).name
    if line["error"]:
        return [name, "-", "-", "-", "-", "-", "FAILED"]
    last = list(line["variants"].values())[-1]
    ms = last["latency_ms"] or {}
    return [
        name,
        str(line["frames"]),
        *(f"{ms[key]:.1f}" if key in ms else "-" for key in ("p50", "p95")),
        cell(last["miou"]),
        _taken(last),
        "STOPPED by damage" if line["stopped"] else "",
    ]


def _taken(figures: Mapping[str, Any]) -> str:
    return ", ".join(f"{route} {count}" for route, count in figures["routes"].items()) or "-"
