# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The section of a report on how far the masks of a replay can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from nightseg_ros.metrics.percentiles import percentile
from nightseg_ros.replay.charts import CAMERAS, means
from nightseg_ros.replay.series import ALL_CAMERAS, Frames
from nightseg_ros.report import charts
from nightseg_ros.report.page import Section, grid, legend, panels
from nightseg_ros.report.render import route_color
from nightseg_ros.report.tables import table

FAULT = "color-mix(in srgb, var(--warnline) 45%, transparent)"


def trust(frames: Frames, result: Mapping[str, Any]) -> Section:
    """Return visibility, unsure pixels and novelty over time, and a table of camera faults."""
    x = charts.time_axis((frames.end_ns - frames.start_ns) / 1e9)
    faults = result["faults"]
    parts = [*_visibility(frames, x, faults), *_of_the_masks(frames, x, list(result["variants"]))]
    if faults:
        parts.append(_table(faults, frames))
    note = "No camera had a fault. "
    if faults:
        more = result["faults_left_out"]
        note = f"{more} more faults are left out of the table. " if more else ""
    return Section(
        "Trust",
        panels(*parts),
        f"{note}Visibility is the share of the frame that shows the scene, half as much where all "
        "of it is blurred, too bright, too dark or noisy. Unsure are pixels that have a class with "
        "a confidence below 0.5. A novelty above 1 is a frame unlike those that the model knows.",
    )


def _visibility(
    frames: Frames, x: charts.Axis, faults: Sequence[Mapping[str, Any]]
) -> list[Markup]:
    """Return a panel with a chart for each camera, the times of its faults shaded."""
    cameras = [topic for topic in frames.cameras if topic != ALL_CAMERAS][:CAMERAS]
    keys = {"visibility": "var(--accent)"} | ({"fault": FAULT} if faults else {})
    plots: list[Markup] = []
    for topic in cameras:
        own = [fault for fault in faults if fault["topic"] == topic]
        spans = [(_seconds(f["start_ns"], frames), _seconds(f["end_ns"], frames)) for f in own]
        layers = [charts.stretch(start, end, x, FAULT) for start, end in _joined(spans)]
        line = means(frames.cameras[topic], "visibility")
        layers.append(charts.line(line, x, charts.SHARE, "var(--accent)"))
        keyed = None if plots else keys
        plots.append(charts.plot(topic, x, charts.SHARE, layers, height=80, keys=keyed))
    return [Markup().join(plots)] if plots else []


def _of_the_masks(frames: Frames, x: charts.Axis, variants: Sequence[str]) -> list[Markup]:
    """Return a panel with the share of unsure pixels and the novelty, for each variant."""
    points, plots = frames.cameras[ALL_CAMERAS], []
    for name, title, times in (("unsure", "Unsure pixels, %", 100.0), ("novelty", "Novelty", 1.0)):
        lines = {v: means(points, f"{v}_{name}", times) for v in variants}
        found = sorted(value for line in lines.values() for _, value in line)
        if not found:
            continue
        least = 1.0 if name == "novelty" else 0.1
        top = 1.05 * max(least, percentile(found, 0.99))
        y = charts.value_axis(min(top, 100.0) if name == "unsure" else top)
        layers = [charts.mark(y, 1.0)] if name == "novelty" else []
        layers += [charts.line(line, x, y, route_color(v), 1.4) for v, line in lines.items()]
        plots.append(charts.plot(title, x, y, layers, height=120))
    if not plots:
        return []
    key = legend({v: route_color(v) for v in variants}) if len(variants) > 1 else Markup()
    return [key + grid(plots)]


def _table(faults: Sequence[Mapping[str, Any]], frames: Frames) -> Markup:
    whole = _seconds(frames.end_ns, frames)
    rows = [
        [
            fault["topic"],
            fault["fault"],
            *(charts.clock(_seconds(fault[at], frames), whole) for at in ("start_ns", "end_ns")),
            fault["region"] or "-",
        ]
        for fault in faults
    ]
    header = ["camera", "fault", "from", "to", "does not show the scene"]
    return table(header, rows, left=(0, 1), wide=(4,))


def _joined(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the same times without overlaps, which would be shaded twice.

    >>> _joined([(0, 2), (5, 6), (1, 3)])
    [(0, 3), (5, 6)]
    """
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _seconds(bag_ns: int, frames: Frames) -> float:
    return (bag_ns - frames.start_ns) / 1e9
