# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg engines`: the engines that were built, and clearing out those of no more use."""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from nightseg_ros.engines.cache import EngineCache, Entry
from nightseg_ros.engines.staleness import Machine, this_machine, why_stale
from nightseg_ros.errors import NightsegError

COLUMNS = ("model", "kind", "version", "precision", "size", "MB", "age", "device", "state")
KEPT_BESIDE = ("timings-*.cache", "onnxruntime-nvrtx")
"""What builders and ONNX Runtime keep beside the engines to be faster the next time."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-verbs."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|clean")
    verbs.add_parser("list", help="every engine and whether it is of use here")
    clean = verbs.add_parser("clean", help="remove engines")
    which = clean.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--stale",
        action="store_true",
        help="those of another GPU, version or model, corrupt ones, and unfinished builds",
    )
    which.add_argument("--all", action="store_true", help="all of them")


def run(args: argparse.Namespace) -> dict[str, object]:
    """List the engines, or remove some."""
    cache = EngineCache()
    entries = cache.entries()
    machine = this_machine({entry.engine.key.backend for entry in entries if entry.engine})
    rows = [_row(entry, machine) for entry in entries]
    if args.verb == "list":
        return {"dir": str(cache.root), "engines": rows}
    removed: list[dict[str, Any]] = []
    busy: list[dict[str, Any]] = []
    for entry, row in zip(entries, rows, strict=True):
        if row["state"] == "building":
            busy.append(row)
        elif args.all or row["state"] != "ok":
            gone = cache.remove(entry)
            (removed if gone else busy).append(row)
    if args.all:
        _remove_beside(cache.root)
    freed = sum(int(row["bytes"]) for row in removed)
    return {"dir": str(cache.root), "removed": removed, "busy": busy, "freed_bytes": freed}


def render(result: dict[str, Any]) -> str:
    """Return the table, or what was removed."""
    if "engines" in result:
        return "\n".join([result["dir"], *_table(result["engines"])])
    lines = [f"removed {row['name']} ({row['state']})" for row in result["removed"]]
    lines += [f"kept {row['name']}: it is being built" for row in result["busy"]]
    freed = f"{len(result['removed'])} engines removed, {result['freed_bytes'] / 1e6:.1f} MB freed"
    return "\n".join([*lines, freed])


def _row(entry: Entry, machine: Machine) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": entry.folder.name,
        "folder": str(entry.folder),
        "bytes": entry.bytes,
        "state": "ok",
        "problem": entry.problem,
    }
    if entry.engine is not None:
        key = entry.engine.key
        row |= {
            "model": Path(key.model).name or key.sha256[:12],
            "sha256": key.sha256,
            "kind": key.backend,
            "version": key.version,
            "device": key.device,
            "precision": key.precision,
            "height": key.height,
            "width": key.width,
            "batch": key.batch,
            "built": entry.engine.built,
            "age_s": _age(entry.engine.built),
            "proven": entry.engine.proven,
            "facts": dict(entry.engine.facts),
        }
        stale = why_stale(key, machine)
        if not row["problem"] and stale:
            row |= {"state": "stale", "problem": stale}
    if entry.busy:
        row["state"] = "building"
    elif entry.problem:
        row["state"] = "unfinished" if entry.problem.startswith("unfinished") else "corrupt"
    return row


def _age(built: str) -> float | None:
    try:
        return round(time.time() - datetime.fromisoformat(built).timestamp(), 1)
    except ValueError:
        return None


def _remove_beside(root: Path) -> None:
    for pattern in KEPT_BESIDE:
        for path in root.glob(pattern):
            try:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            except OSError as error:
                raise NightsegError(f"cannot remove {path} ({error.strerror})") from error


def _table(rows: Sequence[dict[str, Any]]) -> list[str]:
    if not rows:
        return ["No engines: `nightseg build-engine MODEL` builds one."]
    cells = [COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(COLUMNS))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


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
