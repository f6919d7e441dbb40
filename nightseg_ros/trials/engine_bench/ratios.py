# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Comparisons of the rows of a bench."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from nightseg_ros.bundles.bundle import SEGMENTATION, TRANSLATION
from nightseg_ros.trials.engine_bench.bench import device_kind
from nightseg_ros.trials.engine_bench.networks import FAST, FULL, fused_label, label_of

Row = dict[str, Any]


PLACE = ("width", "height", "batch", "engine")


def ratios(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return all comparisons that the rows allow."""
    return [
        *_fast_against_full(rows),
        *_int8_against_fp32(rows),
        *_translate_route(rows),
        *_fused_route(rows),
    ]


def _fast_against_full(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Frame rate of the half-wide network over that of the full one, on one engine."""
    full, fast = label_of(FULL), label_of(FAST)
    for row, other in _pairs(rows, *PLACE, "precision"):
        if (row["network"], other["network"]) == (full, fast):
            ratio = row["p50_ms"] / other["p50_ms"]
            text = f"{fast} has {ratio:.2f} times the frame rate of {full}"
            yield _entry("fast / full", other, text, ratio=ratio)


def _int8_against_fp32(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Frame rate with int8 over that with fp32, of the same network by the same library."""
    for row, other in _pairs(rows, "network", "width", "height", "batch", "backend"):
        alike = device_kind(row["device"]) == device_kind(other["device"])
        if alike and (row["precision"], other["precision"]) == ("fp32", "int8"):
            ratio = row["p50_ms"] / other["p50_ms"]
            text = f"{row['network']} int8 has {ratio:.2f} times the frame rate of fp32"
            yield _entry("int8 / fp32", other, text, ratio=ratio)


def _translate_route(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Time of the route translate: translator and segmenter, one after the other."""
    for first, second in _pairs(rows, *PLACE):
        kinds = first["kind"], second["kind"]
        if first["batch"] == 1 and kinds == (TRANSLATION, SEGMENTATION):
            total = first["p50_ms"] + second["p50_ms"]
            text = f"{first['network']} + {second['network']}: {total:.2f} ms"
            if second["precision"] != "fp32":
                text += f" ({second['precision']})"
            yield _entry("translate route", first, text, ms=total)


def _fused_route(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Time of the route fused over that of one of its channels, where both are one network."""
    for one, fused in _pairs(rows, *PLACE, "precision"):
        if fused["network"] == fused_label(one["network"]):
            ratio = fused["p50_ms"] / one["p50_ms"]
            text = f"{fused['network']} takes {ratio:.2f} times the time of {one['network']}"
            yield _entry("fused / one channel", fused, text, ratio=ratio)


def _pairs(rows: Sequence[Row], *alike: str) -> Iterator[tuple[Row, Row]]:
    """Yield all pairs of rows, in both orders, that agree in the facts named `alike`."""
    for one, other in product(rows, rows):
        if all(one[key] == other[key] for key in alike):
            yield one, other


def _entry(what: str, row: Row, text: str, **figures: float) -> dict[str, Any]:
    return {"what": what, **{key: row[key] for key in PLACE}, "text": text, **figures}
