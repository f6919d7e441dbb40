# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a bench as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from nightseg_ros.evaluation.text_table import text_table

HEADER = (
    "network",
    "engine",
    "type",
    "p50 ms",
    "p95",
    "p99",
    "runs",
    "images/s",
    "GMAC",
    "GFLOP/s",
    "ceiling",
    "MB",
    "ready s",
    "weights",
)
LEFT = (0, 1, 2, 13)
NOTES = (
    "each row: bytes of the image on the host in, bytes of the mask on the host out, in a process "
    "of its own; rounds in turning order",
    "GMAC: of one image, counted in the graph (convolutions, matrix products); GFLOP/s and "
    "ceiling: of p50, against the fastest matrix product of the same type in the same rounds",
    "MB: most memory of the process; ready s: creating the engine and its first run",
    "weights random: the network exported anew for that size, or not shipped; weights do not "
    "change the speed; shipped*: int8 ranges from made-up images, for the speed alone",
)


def render(result: Mapping[str, Any]) -> str:
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
    for (width, height, batch), rows in groupby(result["rows"], key=_group):
        lines += ["", f"{width}x{height}, {batch} image{'s' * (batch > 1)} at once"]
        lines.append(text_table(HEADER, [_cells(row) for row in rows], LEFT))
    lines += _models(result["rows"])
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


def _group(row: Mapping[str, Any]) -> tuple[int, int, int]:
    return row["width"], row["height"], row["batch"]


def _cells(row: Mapping[str, Any]) -> list[str]:
    macs = row["macs"]
    memory = f"{row['peak_mb']:.0f}"
    if row["gpu_mb"]:
        memory += f"+{row['gpu_mb']:.0f} GPU"
    return [
        row["network"],
        row["engine"],
        row["precision"],
        *(f"{row[key]:.2f}" for key in ("p50_ms", "p95_ms", "p99_ms")),
        str(row["runs"]),
        f"{row['images_per_s']:.1f}",
        f"{macs / row['batch'] / 1e9:.2f}" if macs else "-",
        f"{row['gflops']:.1f}" if row["gflops"] else "-",
        f"{row['share']:.0%}" if row["share"] else "-",
        memory,
        f"{row['ready_s']:.1f}",
        row["weights"],
    ]


def _models(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say which models of the folder a network stands for."""
    named = {row["network"]: row["models"] for row in rows if row["models"]}
    return ["", *(f"{name}: {', '.join(models)}" for name, models in named.items())] * bool(named)


def _busy(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Warn where other work was going on."""
    busy, blocks = (sum(row[key] for row in rows) for key in ("busy_blocks", "blocks"))
    if not busy:
        return []
    return [
        "",
        f"DISTURBED: the machine did other work before {busy} of {blocks} blocks of runs; "
        "measure again on an idle one",
    ]


def _place(entry: Mapping[str, Any]) -> str:
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
