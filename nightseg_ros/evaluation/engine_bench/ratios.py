# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the rows of a bench say when they are held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nightseg_ros.bundle import SEGMENTATION, TRANSLATION
from nightseg_ros.evaluation.engine_bench.bench import device_kind
from nightseg_ros.evaluation.engine_bench.networks import FAST, FULL, fused_label, label_of

Row = dict[str, Any]


def ratios(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return all comparisons that the rows allow."""
    return [
        *_fast_against_full(rows),
        *_int8_against_fp32(rows),
        *_translate_route(rows),
        *_fused_route(rows),
    ]


def _entry(what: str, row: Row, text: str, **figures: float) -> dict[str, Any]:
    place = {key: row[key] for key in ("width", "height", "batch", "engine")}
    return {"what": what, **place, "text": text, **figures}


def _fast_against_full(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Frame rate of the half-wide network over that of the full one, on one engine."""
    full, fast = label_of(FULL), label_of(FAST)
    found = []
    for row in rows:
        for other in rows:
            if (row["network"], other["network"]) == (full, fast) and _same(
                row, other, "width", "height", "batch", "engine", "precision"
            ):
                ratio = row["p50_ms"] / other["p50_ms"]
                text = f"{fast} has {ratio:.2f} times the frame rate of {full}"
                found.append(_entry("fast / full", other, text, ratio=ratio))
    return found


def _int8_against_fp32(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Frame rate with int8 over that with fp32, of the same network by the same library."""
    found = []
    for row in rows:
        for other in rows:
            if (row["precision"], other["precision"]) != ("fp32", "int8"):
                continue
            alike = _same(row, other, "network", "width", "height", "batch", "backend")
            if alike and device_kind(row["device"]) == device_kind(other["device"]):
                ratio = row["p50_ms"] / other["p50_ms"]
                text = f"{row['network']} int8 has {ratio:.2f} times the frame rate of fp32"
                found.append(_entry("int8 / fp32", other, text, ratio=ratio))
    return found


def _translate_route(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Time of the route translate: translator and segmenter, one after the other."""
    found = []
    for first in rows:
        for second in rows:
            if (first["kind"], second["kind"]) != (TRANSLATION, SEGMENTATION):
                continue
            if first["batch"] == 1 and _same(first, second, "width", "height", "batch", "engine"):
                total = first["p50_ms"] + second["p50_ms"]
                text = f"{first['network']} + {second['network']}: {total:.2f} ms"
                if second["precision"] != "fp32":
                    text += f" ({second['precision']})"
                found.append(_entry("translate route", first, text, ms=total))
    return found


def _fused_route(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Time of the route fused over that of one of its channels, where both are one network."""
    found = []
    for one in rows:
        for fused in rows:
            alike = _same(one, fused, "width", "height", "batch", "engine", "precision")
            if alike and fused["network"] == fused_label(one["network"]):
                ratio = fused["p50_ms"] / one["p50_ms"]
                text = f"{fused['network']} takes {ratio:.2f} times the time of {one['network']}"
                found.append(_entry("fused / one channel", fused, text, ratio=ratio))
    return found


def _same(row: Row, other: Row, *keys: str) -> bool:
    return all(row[key] == other[key] for key in keys)
