# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the report of models on a set of images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nightseg_ros.files.atomic import write_atomically
from nightseg_ros.files.text_table import cell, interval
from nightseg_ros.metrics.percentiles import percentiles
from nightseg_ros.perception.timing import STAGES
from nightseg_ros.report import charts
from nightseg_ros.report.confidence import confidence_card, confidence_section
from nightseg_ros.report.page import (
    Card,
    Chapter,
    Report,
    Section,
    Shot,
    legend,
    page,
    panels,
    strip,
)
from nightseg_ros.report.parts import accuracy_section, miou_card, what_ran
from nightseg_ros.report.render import route_color
from nightseg_ros.report.tables import class_legend, table

if TYPE_CHECKING:
    from nightseg_ros.labels.label_set import LabelSet
    from nightseg_ros.replay.set_run import ImageRow, Kept, SetRun

BINS = 25


def write_set_report(
    result: Mapping[str, Any], run: SetRun, labels: LabelSet, scored_in: LabelSet | None, file: Path
) -> None:
    """Write the HTML file of an evaluation; `labels` are those of the masks."""
    sections = []
    shots = [_shot(kept) for kept in run.shown()]
    if shots:
        scored = any(row.right is not None for row in run.rows)
        note = "The images with the fewest right pixels first, then others from all over the set."
        shown = strip("strip1", shots, class_legend(labels))
        sections.append(Section("Images", shown, note if scored else "From all over the set."))
    if scored_in is not None:
        scores = {result["route"]: result}
        sections.append(accuracy_section(scores, scored_in, "against the labels", "images"))
    if "confidence" in result:
        calibrated = ", ".join(result["calibrated"]) or "none"
        sections.append(confidence_section(result["confidence"], calibrated))
    sections.append(_by_light(run.rows))
    sections.append(_latency(run.times))
    sections.append(what_ran(result))
    models = " and ".join(result["models"].values())
    report = Report(
        f"{models} on {_short(result['data'])}",
        f"{len(run.rows)} images of {result['data']}, route {result['route']}.",
        chapters=[Chapter("", cards=_cards(result, run), sections=sections)],
    )
    write_atomically(file, page(report).encode())


def _short(data: str) -> str:
    """Return the short name of a set: its split, else its folder.

    >>> _short("bdd10k:/data/bdd:val@night"), _short("folders:/data/mine"), _short("/data/mine")
    ('val@night', 'mine', 'mine')
    """
    parts = data.split(":")
    return parts[-1] if len(parts) > 2 else Path(parts[-1]).name


def _cards(result: Mapping[str, Any], run: SetRun) -> list[Card]:
    cards = []
    if "miou" in result:
        cards.append(miou_card(result["route"], result))
        note = f"{result['labelled_share']:.1f} % of the pixels have a label"
        cards.append(Card("pixels right", f"{cell(result['pixel_accuracy'])} %", note))
    if "confidence" in result:
        cards.append(confidence_card(result["confidence"]))
    if "drivable_recall" in result:
        spread = interval(result.get("drivable_recall_95"), "; 95 %: {}")
        note = f"of the drivable pixels are labelled road{spread}"
        cards.append(Card("drivable recall", f"{cell(result['drivable_recall'])} %", note))
    whole = max(1, sum(run.routes.values()))
    taken = ", ".join(f"{route} {100 * n / whole:.0f} %" for route, n in run.routes.items())
    cards.append(Card("images", str(len(run.rows)), f"route {taken}"))
    ms = percentiles([times["total"] for times in run.times])
    if ms:
        note = f"median; p95 {ms['p95']:.0f}, p99 {ms['p99']:.0f} ms"
        cards.append(Card("latency of an image", f"{ms['p50']:.1f} ms", note))
    return cards


def _by_light(rows: Sequence[ImageRow]) -> Section:
    """Return the accuracy of each image over its illumination, or the illuminations alone."""
    x = charts.Axis(0.0, 1.0, ((0.0, "0 (night)"), (0.5, "0.5"), (1.0, "1 (day)")))
    scored = [row for row in rows if row.right is not None and not math.isnan(row.right)]
    if not scored:
        edges = np.linspace(0.0, 1.0, BINS + 1)
        counts, _ = np.histogram([row.illumination for row in rows], edges)
        bars = charts.bars(edges.tolist(), counts.tolist(), x, "var(--light)")
        chart = charts.spread({"images": [bars]}, x, title="Illumination of the images", height=60)
        return Section("Light", panels(chart))
    y = charts.value_axis(100.0)
    routes = sorted({row.route for row in scored})
    layers = [
        charts.dots(
            [(row.illumination, 100 * float(row.right or 0)) for row in scored if row.route == r],
            *(x, y, route_color(r)),
        )
        for r in routes
    ]
    colors = {f"route {route}": route_color(route) for route in routes}
    chart = charts.plot("Pixels right, %", x, y, layers, height=220, cursor=False)
    return Section(
        "Light",
        panels(legend(colors) + chart),
        "Every dot is an image: how light it is, and how many of its labelled pixels are right.",
    )


def _latency(times: Sequence[Mapping[str, float]]) -> Section:
    rows = []
    for stage in (*STAGES, "total"):
        ms = percentiles([row[stage] for row in times])
        if ms and ms["max"] > 0:
            rows.append([stage, *(f"{ms[key]:.2f}" for key in ("p50", "p95", "p99", "max"))])
    header = ["stage", "p50 ms", "p95", "p99", "max"]
    return Section("Latency", panels(table(header, rows, last_is_sum=True)))


def _shot(kept: Kept) -> Shot:
    row = kept.row
    facts = {"illumination": f"{row.illumination:.2f}"}
    if not math.isnan(row.confidence):
        facts["confidence"] = f"{100 * row.confidence:.1f} %"
    name = row.name.rsplit("/", 1)[-1]
    if row.right is not None and not math.isnan(row.right):
        facts["pixels right"] = f"{100 * row.right:.1f} %"
        name = f"{100 * row.right:.0f} %"
    if row.time_of_day:
        facts["time of day"] = row.time_of_day
    facts["latency"] = f"{row.total_ms:.0f} ms"
    facts["image"] = row.name
    return Shot(name, kept.pictures, facts, row.route)
