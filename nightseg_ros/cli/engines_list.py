# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg engines list`: the engines that were built, and whether each is of use here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nightseg_ros.cli.engine_rows import engine_rows
from nightseg_ros.engines.cache.store import EngineCache
from nightseg_ros.files.text_table import text_table

COLUMNS = ("model", "kind", "version", "precision", "size", "MB", "age", "device", "state")


@dataclass(frozen=True, kw_only=True)
class Options:
    """`nightseg engines list` has no options."""


def run(options: Options) -> dict[str, object]:  # noqa: ARG001
    """List the engines."""
    cache = EngineCache()
    return {"dir": str(cache.root), "engines": [row for _, row in engine_rows(cache)]}


def render(result: dict[str, Any]) -> str:
    """Return the table."""
    if not result["engines"]:
        return f"{result['dir']}\nNo engines: `nightseg build-engine MODEL` builds one."
    rows = [_cells(row) for row in result["engines"]]
    return f"{result['dir']}\n{text_table(COLUMNS, rows, left=range(len(COLUMNS)))}"


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    state, problem = row["state"], row["problem"]
    if problem:
        state = problem if problem.startswith(state) else f"{state}: {problem}"
    elif state == "ok" and not row.get("proven"):
        state = "ok, not proven"
    size = "-"
    if "width" in row:
        size = f"{row['width']}x{row['height']}" + (f"x{row['batch']}" if row["batch"] > 1 else "")
    return (
        row.get("model", row["name"]),
        row.get("kind", "-"),
        row.get("version", "-"),
        row.get("precision", "-"),
        size,
        f"{row['bytes'] / 1e6:.1f}",
        _since(row.get("age_s")),
        row.get("device", "-"),
        state,
    )


def _since(seconds: float | None) -> str:
    """Return an age in its largest unit.

    >>> _since(59.0), _since(3700.0), _since(200000.0), _since(None)
    ('59 s', '1 h', '2 d', '-')
    """
    if seconds is None:
        return "-"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
