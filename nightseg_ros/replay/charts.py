# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Charts of a replay over time: light and route, latency by stage, flicker and confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from nightseg_ros.bundles.routes import ROUTES
from nightseg_ros.metrics.percentiles import percentile
from nightseg_ros.perception.timing import STAGES
from nightseg_ros.replay.series import ALL_CAMERAS, Frames, Histogram, Point
from nightseg_ros.report import charts
from nightseg_ros.report.page import Section, grid, legend, panels
from nightseg_ros.report.render import route_color
from nightseg_ros.report.tables import table

CAMERAS = 6
"""Most cameras with their own chart."""
BINS = 120
MIN_ROW = 1e-3
"""A stage with fewer milliseconds did not run."""


def light(frames: Frames, result: Mapping[str, Any]) -> Section:
    """Return illumination and route of each camera."""
    variant = list(result["variants"])[-1]
    x = charts.time_axis((frames.end_ns - frames.start_ns) / 1e9)
    routes = result["variants"][variant]["routes"]
    keys = {"illumination": "var(--light)"}
    keys |= {f"route {route}": route_color(route) for route in ROUTES if route in routes}
    policy = result.get("policy") or {}
    marks = [policy[name] for name in ("dark_below", "bright_above") if name in policy]
    marks = marks if variant == "auto" else []
    cameras = {topic: points for topic, points in frames.cameras.items() if topic != ALL_CAMERAS}
    plots: list[Markup] = []
    for topic, points in list(cameras.items())[:CAMERAS]:
        runs = [(p.start, p.end, route_color(p.word.get(f"{variant}_route", ""))) for p in points]
        layers = [charts.mark(charts.SHARE, level) for level in marks]
        layers.append(charts.line(means(points, "illumination"), x, charts.SHARE, "var(--light)"))
        plots.append(
            charts.plot(
                topic,
                x,
                charts.SHARE,
                layers,
                height=120 if len(cameras) == 1 else 80,
                keys=keys if not plots else None,
                below=charts.band(runs, x, f"route of {topic}"),
            )
        )
    note = "Illumination is estimated from the image alone: 0 is night, 1 is day."
    if len(marks) == 2:
        note += (
            f" Below {marks[0]:g} route auto treats a frame as night, above {marks[1]:g} as day."
        )
    if len(cameras) > CAMERAS:
        note += f" The first {CAMERAS} of {len(cameras)} cameras are shown."
    return Section("Light and route", panels(Markup().join(plots)), note)


def latency(frames: Frames, result: Mapping[str, Any]) -> Section:
    """Return the stages over time and the distribution of the total, for each variant."""
    points = frames.cameras[ALL_CAMERAS]
    x = charts.time_axis((frames.end_ns - frames.start_ns) / 1e9)
    variants = [v for v in result["variants"] if frames.times[v]["total"].counts.any()]
    if not variants:
        return Section("Latency", Markup())
    used = [s for s in STAGES if any(frames.times[v][s].top > MIN_ROW for v in variants)]
    top = 1.1 * max(frames.times[v]["total"].percentile(0.99) for v in variants)
    y = charts.value_axis(top)
    keys = {stage: f"var(--{stage})" for stage in used} | {"slowest frame": "var(--ink)"}
    plots = [
        charts.plot(
            f"route {variant}" if len(variants) > 1 else "stages, ms",
            x,
            y,
            _stacked(points, variant, used, x, y),
            keys=keys if len(variants) == 1 else None,
            note="ms" if len(variants) > 1 else "",
        )
        for variant in variants
    ]
    stacked = legend(keys) + grid(plots) if len(variants) > 1 else plots[0]
    rows = [
        [variant, stage, *_figures(frames.times[variant][stage])]
        for variant in variants
        for stage in (*used, "total")
    ]
    header = ["route", "stage", "mean ms", "p50", "p95", "p99", "max"]
    return Section(
        "Latency",
        panels(stacked, _spreads(frames, variants), _stage_table(header, rows)),
        "From the decoded image to the mask at its size, confidence included, as measured in the "
        "replay, where decoding and writing run in parallel with the engine. "
        "Spikes above the axis are cut off.",
    )


def quality(frames: Frames, result: Mapping[str, Any]) -> Section:
    """Return flicker, confidence, and accuracy where there is truth, over time."""
    points = frames.cameras[ALL_CAMERAS]
    x = charts.time_axis((frames.end_ns - frames.start_ns) / 1e9)
    variants = list(result["variants"])
    keys = {variant: route_color(variant) for variant in variants} if len(variants) > 1 else None
    plots = []
    for name, title, cut in (
        ("flicker", "Flicker, % of the pixels", True),
        ("confidence", "Mean confidence, %", False),
        ("accuracy", "Pixels right, %", False),
    ):
        lines = {v: means(points, f"{v}_{name}", 100.0) for v in variants}
        values = [value for line in lines.values() for _, value in line]
        if not values:
            continue
        top = 1.05 * percentile(sorted(values), 0.99) if cut else 100.0
        y = charts.value_axis(top)
        layers = [charts.line(line, x, y, route_color(v), 1.4) for v, line in lines.items()]
        plots.append(charts.plot(title, x, y, layers, height=120))
    shown = legend(keys) if keys else Markup()
    spread = result.get("followed")  # results of earlier versions have none
    followed = f"; here for {100 * spread['mean']:.0f} % of the pixels" if spread else ""
    return Section(
        "Stability and confidence",
        panels(shown + grid(plots)),
        "Flicker is the share of the pixels whose class differs from that of the place where they "
        "were in the previous frame of the same camera. Optical flow finds that place"
        f"{followed}. Confidence is the network's own estimate.",
    )


def means(points: Sequence[Point], name: str, times: float = 1.0) -> list[tuple[float, float]]:
    """Return a series as positions and values, each in the middle of its interval."""
    return [(0.5 * (p.start + p.end), times * p.mean[name]) for p in points if name in p.mean]


def _stacked(
    points: Sequence[Point], variant: str, used: Sequence[str], x: charts.Axis, y: charts.Axis
) -> list[Markup]:
    """Return the stacked means of the stages, and the slowest frames as a line."""
    total = f"{variant}_total_ms"
    known = [p for p in points if total in p.mean]
    at = [0.5 * (p.start + p.end) for p in known]
    lower = [(place, 0.0) for place in at]
    layers = []
    for stage in used:
        upper = [
            (place, below + p.mean.get(f"{variant}_{stage}_ms", 0.0))
            for p, (place, below) in zip(known, lower, strict=True)
        ]
        layers.append(charts.area(lower, upper, x, y, f"var(--{stage})"))
        lower = upper
    tops = [(place, p.top[total]) for place, p in zip(at, known, strict=True)]
    return [*layers, charts.line(tops, x, y, "var(--ink)", 0.8)]


def _spreads(frames: Frames, variants: Sequence[str]) -> Markup:
    totals = {variant: frames.times[variant]["total"] for variant in variants}
    low = min(histogram.percentile(0.001) for histogram in totals.values())
    high = max(histogram.percentile(0.995) for histogram in totals.values())
    whole = charts.value_axis(1.03 * high)
    # From zero where that costs little space, so that the chart shows true proportions.
    start = 0.0 if low < 0.6 * high else max(t for t, _ in whole.ticks if t <= low)
    x = charts.Axis(start, whole.high, tuple((t, f"{n} ms") for t, n in whole.ticks if t >= start))
    edges = np.linspace(x.low, x.high, BINS + 1).tolist()
    rows = {}
    for variant, histogram in totals.items():
        outline = charts.bars(edges, _smooth(histogram, edges), x, route_color(variant))
        ranks = [histogram.percentile(share) for share in (0.5, 0.95, 0.99)]
        rows[variant] = [outline, *(charts.vertical(x, ms, "var(--ink)") for ms in ranks)]
    return charts.spread(
        rows,
        x,
        title="Distribution of latency; lines at p50, p95 and p99",
        height=64 if len(rows) == 1 else 34,
    )


def _smooth(histogram: Histogram, edges: Sequence[float]) -> list[float]:
    """Return counts between edges, averaged over three because the histogram's bins are uneven."""
    counts = histogram.binned(edges).astype(float)
    return [float(n) for n in np.convolve(counts, [0.25, 0.5, 0.25], "same")]


def _figures(histogram: Histogram) -> list[str]:
    ranks = [histogram.percentile(share) for share in (0.5, 0.95, 0.99)]
    return [
        f"{ms:.1f}" if ms >= 10 else f"{ms:.2f}" for ms in (histogram.mean(), *ranks, histogram.top)
    ]


def _stage_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """Return the table of stages, without the route if there is only one."""
    if len({row[0] for row in rows}) == 1:
        return table(header[1:], [row[1:] for row in rows], wide=(1, 4), last_is_sum=True)
    shown, before = [], ""
    for row in rows:
        shown.append(["" if row[0] == before else row[0], *row[1:]])
        before = row[0]
    return table(header, shown, left=(0, 1), wide=(2, 5))
