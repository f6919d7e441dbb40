# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Summarises a replay row by row, and renders the summary as text."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nightseg_ros.files.text_table import cell, text_table
from nightseg_ros.metrics.percentiles import percentiles
from nightseg_ros.perception.timing import ENGINE_STAGES, STAGES
from nightseg_ros.replay.camera_watch import FaultSpans, faults_text
from nightseg_ros.replay.rows import TRUST, Row, pair_names
from nightseg_ros.replay.truth import DriveScores
from nightseg_ros.report.scores_text import render_scores

if TYPE_CHECKING:
    from nightseg_ros.labels.label_set import LabelSet

FAILURES_KEPT = 20


class Summary:
    """Collects rows in the order of the bag; its memory hardly grows with them."""

    def __init__(self, variants: Sequence[str], scored: LabelSet | None) -> None:
        self._variants = tuple(variants)
        self._routes = {variant: Counter[str]() for variant in variants}
        self._changes = Counter[str]()
        self._last: dict[tuple[str, str], str] = {}
        self._total = {variant: array("d") for variant in variants}
        self._engine = {variant: array("d") for variant in variants}
        self._stages = {variant: Counter[str]() for variant in variants}
        self._shares = {
            variant: {name: [0.0, 0] for name in (*TRUST, "flicker")} for variant in variants
        }
        self._same = {pair: [0, 0] for pair in pair_names(variants)}
        self._scores = {} if scored is None else {v: DriveScores(scored) for v in variants}
        self._topics = Counter[str]()
        self._light, self._followed, self._visibility = array("d"), array("d"), array("d")
        self._faults = FaultSpans()
        self._failures: list[dict[str, Any]] = []
        self._failed = 0
        self.last_bag_ns: int | None = None

    def add(self, row: Row) -> None:
        """Add one frame."""
        self.last_bag_ns = row["bag_ns"]
        if row["error"]:
            self._failed += 1
            if len(self._failures) < FAILURES_KEPT:
                self._failures.append({k: row[k] for k in ("index", "topic", "bag_ns", "error")})
            return
        self._topics[row["topic"]] += 1
        self._light.append(row["illumination"])
        if row["followed"] is not None:
            self._followed.append(row["followed"])
        self._visibility.append(row["visibility"])
        self._faults.add(row)
        for variant, run in row["routes"].items():
            route, ms = run["route"], run["ms"]
            self._routes[variant][route] += 1
            before = self._last.get((variant, row["topic"]), route)
            self._changes[variant] += before != route
            self._last[variant, row["topic"]] = route
            self._total[variant].append(ms["total"])
            self._engine[variant].append(sum(ms[stage] for stage in ENGINE_STAGES))
            for stage in STAGES:
                self._stages[variant][stage] += ms[stage]
            for name, total in self._shares[variant].items():
                if run[name] is not None:
                    total[0] += run[name]
                    total[1] += 1
        for pair, (equal, pixels) in row["same"].items():
            self._same[pair][0] += equal
            self._same[pair][1] += pixels
        for variant, (cells, values, pixels) in row.get("counts", {}).items():
            scores = self._scores[variant]
            n = scores.labels.count
            counts = np.zeros(n * (n + 1), np.int64)
            counts[cells] = values
            scores.add(counts.reshape(n, n + 1), pixels)

    def to_dict(self, bootstrap: int) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "frames": sum(self._topics.values()),
            "topics": dict(self._topics),
            "failed": self._failed,
            "failures": self._failures,
            "illumination": _spread(self._light),
            "followed": _spread(self._followed),
            "visibility": _spread(self._visibility),
            **self._faults.to_dict(),
            "variants": {variant: self._variant(variant, bootstrap) for variant in self._variants},
            "agreement": {
                pair: round(equal / pixels, 6)
                for pair, (equal, pixels) in self._same.items()
                if pixels
            },
        }

    def _variant(self, variant: str, bootstrap: int) -> dict[str, Any]:
        count = max(1, len(self._total[variant]))
        scores = self._scores.get(variant)
        return {
            "routes": dict(self._routes[variant]),
            "route_changes": self._changes[variant],
            "latency_ms": percentiles(self._total[variant]),
            "engine_ms": percentiles(self._engine[variant]),
            "stages_mean_ms": {s: self._stages[variant][s] / count for s in STAGES},
            **{
                f"{name}_mean": round(total / frames, 6) if frames else None
                for name, (total, frames) in self._shares[variant].items()
            },
            "scores": scores.to_dict(bootstrap) if scores and scores.frames else None,
        }


def _spread(values: array[float]) -> dict[str, float] | None:
    if not values:
        return None
    light = np.frombuffer(values)
    return {"min": float(light.min()), "mean": float(light.mean()), "max": float(light.max())}


def render_replay(result: dict[str, Any]) -> str:
    """Return a replay as text."""
    topics = ", ".join(f"{topic} {count}" for topic, count in result["topics"].items())
    models = ", ".join(f"{name} ({role})" for role, name in result["models"].items())
    resumed = f", {result['resumed']} of them from an earlier run" if result["resumed"] else ""
    lines = [
        f"bag       {result['bag']}",
        f"frames    {result['frames']}{resumed} ({topics or 'none'})",
        f"models    {models}",
    ]
    if result["stopped"]:
        lines.append(f"STOPPED   {result['stopped']['text']}")
    if result["failed"]:
        first = result["failures"][0]
        lines.append(
            f"FAILED    {result['failed']} frames could not be read; the first is "
            f"{first['index']} on {first['topic']}: {first['error']}"
        )
    if result["engine_share"] is not None:
        lines.append(
            f"speed     {result['frames_per_s']:.1f} frames/s, "
            f"{100 * result['engine_share']:.0f} % of the time inside the engine"
        )
    if result["visibility"]:
        seen = result["visibility"]
        lines.append(
            f"cameras   show {100 * seen['mean']:.1f} % of the scene, at the least "
            f"{100 * seen['min']:.0f} %; faults: {faults_text(result['faults']) or 'none'}"
        )
    lines += ["", _table(result)]
    if result["followed"]:
        mean = 100 * result["followed"]["mean"]
        lines += ["", f"flicker is of the {mean:.0f} % of pixels that optical flow could follow"]
    if result["agreement"]:
        parts = [f"{pair} {100 * share:.1f} %" for pair, share in result["agreement"].items()]
        lines += ["", "agreement (share of equal pixels): " + ", ".join(parts)]
    scores = {v: f["scores"] for v, f in result["variants"].items() if f["scores"]}
    if scores:
        lines += ["", f"against {', '.join(result['gt'])}:", ""]
        lines.append(render_scores(*scores.values()) if len(scores) == 1 else _classes(scores))
    elif result["gt"]:
        lines += ["", f"no frame has ground truth in {', '.join(result['gt'])}"]
    return "\n".join([*lines, "", f"results   {result['out']}, report.html among them"])


def _classes(scores: dict[str, dict[str, Any]]) -> str:
    """Return the IoU of each class, the routes side by side."""
    first = next(iter(scores.values()))
    rows = [
        [name, *(cell(s["per_class"][name]["iou"]) for s in scores.values()), str(row["images"])]
        for name, row in first["per_class"].items()
        if row["images"]
    ]
    for name in ("miou", "pixel_accuracy"):
        rows.append([name, *(cell(s[name]) for s in scores.values()), str(first["images"])])
    return text_table(["IoU of class", *scores, "images"], rows)


def _table(result: dict[str, Any]) -> str:
    rows, shares = [], ("confidence", "unsure", "flicker")
    for variant, figures in result["variants"].items():
        ms = figures["latency_ms"] or {}
        taken = ", ".join(f"{route} {count}" for route, count in figures["routes"].items())
        scores = figures["scores"] or {}
        rows.append(
            [
                variant,
                *(f"{ms[key]:.1f}" if key in ms else "-" for key in ("p50", "p95", "p99", "max")),
                cell(scores.get("miou")),
                *(
                    _percent(figures[f"{name}_mean"])
                    for name in ("confidence", "unsure", "flicker")
                ),
                str(figures["route_changes"]),
                taken or "-",
            ]
        )
    header = ["route", "ms p50", "p95", "p99", "max", "mIoU"]
    header += [*shares, "changes", "taken"]
    return text_table(header, rows, left=(0, 10))


def _percent(share: float | None) -> str:
    return cell(None if share is None else 100 * share)
