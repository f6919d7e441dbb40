# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a bench as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from nightseg_ros.files.text_table import text_table
from nightseg_ros.trials.process_usage import disturbed

Row = Mapping[str, Any]
COLUMNS: dict[str, Callable[[Row], str]] = {
    "network": lambda row: str(row["network"]),
    "engine": lambda row: str(row["engine"]),
    "type": lambda row: str(row["precision"]),
    "p50 ms": lambda row: f"{row['p50_ms']:.2f}",
    "p95": lambda row: f"{row['p95_ms']:.2f}",
    "p99": lambda row: f"{row['p99_ms']:.2f}",
    "runs": lambda row: str(row["runs"]),
    "images/s": lambda row: f"{row['images_per_s']:.1f}",
    "GMAC": lambda row: f"{row['macs'] / row['batch'] / 1e9:.2f}" if row["macs"] else "-",
    "GFLOP/s": lambda row: f"{row['gflops']:.1f}" if row["gflops"] else "-",
    "ceiling": lambda row: f"{row['share']:.0%}" if row["share"] else "-",
    "MB": lambda row: f"{row['peak_mb']:.0f}" + (f"+{mb:.0f} GPU" if (mb := row["gpu_mb"]) else ""),
    "ready s": lambda row: f"{row['ready_s']:.1f}",
    "weights": lambda row: str(row["weights"]),
}
LEFT = (0, 1, 2, 13)
NOTES = (
    "each row: bytes of the image on the host in, bytes of the mask on the host out, in a process "
    "of its own; rounds in turning order",
    "GMAC: of one image, counted in the graph (convolutions, matrix products); GFLOP/s and "
    "ceiling: of p50, against the fastest matrix product of the same type in the same rounds",
    "MB: most memory of the process; ready s: creating the engine and its first run",
    "weights random: the network exported anew for that size, or not shipped; weights do not "
    "change the speed; shipped*: int8 ranges from made-up images, for the speed alone",
    "weights its own: a graph given by --onnx, run as exported: resizing, normalising and arg-max "
    "count only where they are in the graph, and all it returns is copied to the host",
)


def render(result: Row) -> str:
    """Return everything that a bench found."""
    machine = result["machine"]
    threads = machine["threads"] or "one per core"
    lines = [f"{machine['cpu']}, {machine['cores']} cores, threads: {threads}"]
    lines += [machine["gpu"]] * bool(machine["gpu"])
    for ceiling in result["ceilings"]:
        side = ceiling["side"]
        lines.append(
            f"ceiling {ceiling['device']} {ceiling['precision']}: {ceiling['gflops']:.0f} "
            f"G{'OP' if ceiling['precision'] == 'int8' else 'FLOP'}/s "
            f"({ceiling['library']}, {side}x{side} matrices)"
        )
    group = itemgetter("width", "height", "batch")
    for (width, height, batch), found in groupby(result["rows"], key=group):
        lines += ["", f"{width}x{height}, {batch} image{'s' * (batch > 1)} at once"]
        rows = [[cell(row) for cell in COLUMNS.values()] for row in found]
        lines.append(text_table(tuple(COLUMNS), rows, LEFT))
    lines += _models(result["rows"])
    lines += dict.fromkeys(
        f"{row['network']} is fed {row['fed']}" for row in result["rows"] if row.get("fed")
    )
    lines += [
        f"{row['network']}, {row['engine']}: {row['note']}" for row in result["rows"] if row["note"]
    ]
    lines += _busy(result["rows"])
    for what, entries in groupby(result.get("ratios", ()), key=lambda entry: entry["what"]):
        lines += ["", what]
        lines += [f"  {_place(entry)}: {entry['text']}" for entry in entries]
    if result["left_out"]:
        lines += ["", "not measured"]
        lines += _left_out(result["left_out"])
    lines += ["", *NOTES, *result.get("notes", ())]
    return "\n".join(lines)


def _models(rows: Sequence[Row]) -> list[str]:
    """Say which models of the folder a network stands for."""
    named = {row["network"]: row["models"] for row in rows if row["models"]}
    return ["", *(f"{name}: {', '.join(models)}" for name, models in named.items())] * bool(named)


def _busy(rows: Sequence[Row]) -> list[str]:
    """Warn where other work was going on."""
    busy, blocks = (sum(row[key] for row in rows) for key in ("busy_blocks", "blocks"))
    warning = disturbed(busy, blocks, "blocks of runs")
    return ["", *warning] if warning else []


def _place(entry: Row) -> str:
    batch = "" if entry["batch"] == 1 else f" x{entry['batch']}"
    return f"{entry['width']}x{entry['height']}{batch}, {entry['engine']}"


def _left_out(entries: Sequence[Mapping[str, str]]) -> list[str]:
    """Return one line for each engine and reason, with the networks."""
    networks: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        networks.setdefault((entry["engine"], entry["reason"]), []).append(entry["network"])
    return [
        f"  {engine} ({', '.join(dict.fromkeys(names))}): {reason}"
        for (engine, reason), names in networks.items()
    ]
