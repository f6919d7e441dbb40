# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg fit-routing`: what each route is worth in which light, and a policy made of it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.cli.engine_options import add_engine_options, chosen_engines
from nightseg_ros.cli.evaluate import load_models
from nightseg_ros.cli.progress import Progress
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.machine import machine
from nightseg_ros.evaluation.routing_fit import Evidence, Fit, darkened, fit
from nightseg_ros.evaluation.text_table import text_table
from nightseg_ros.labels import IGNORE, label_set, lookup
from nightseg_ros.learning.datasets import DrivingSet, open_set
from nightseg_ros.model_choice import shared_labels
from nightseg_ros.perception.pipeline import Pipeline, PipelineSettings
from nightseg_ros.perception.routing import RoutingPolicy
from nightseg_ros.perception.routing_file import write_routing

SCORED = "joint11"
EXPOSURES = (0.2, 0.06, 0.02)
MODELS = ("erf_pspnet_fast_day", "erf_pspnet_fast_night", "night2day")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--data",
        required=True,
        nargs="+",
        metavar="SPEC",
        help="labelled validation sets, by day, dusk and night",
    )
    parser.add_argument(
        "--model",
        nargs="+",
        default=MODELS,
        metavar="NAME",
        help="a day and a night model, a translator for route translate, one for route fused "
        f"(default: {' '.join(MODELS)})",
    )
    parser.add_argument(
        "--exposures",
        type=float,
        nargs="*",
        default=EXPOSURES,
        metavar="0..1",
        help="light that is left on the darkened copies of day frames "
        f"(default: {' '.join(map(str, EXPOSURES))}; none: no copies)",
    )
    parser.add_argument("--count", type=int, default=0, help="frames of each set (default: all)")
    parser.add_argument(
        "--out", type=Path, required=True, help="gets routing.yaml, curves.csv and curves.png"
    )
    add_engine_options(parser)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Measure the routes, fit the policy and write it."""
    sets = [open_set(spec) for spec in args.data]
    for part in sets:
        if part.label_set in (None, "drivable"):
            raise NightsegError(f"{part.name} has no class labels; give a labelled set")
    if any(not 0.0 < exposure < 1.0 for exposure in args.exposures):
        raise NightsegError(f"--exposures are {list(args.exposures)}; give values between 0 and 1")
    bundles = load_models(list(args.model))
    engines = chosen_engines(bundles, args)
    try:
        labels = shared_labels(bundles.values())
        evidence, times = _measure(Pipeline(engines), sets, labels.name, args)
    finally:
        for engine in engines.values():
            engine.close()
    found = fit(evidence, RoutingPolicy())
    costs = {route: round(median(values), 2) for route, values in times.items()}
    frames = sum(found.judged.routes.values())
    auto_ms = sum(costs[route] * n for route, n in found.judged.routes.items()) / frames
    args.out.mkdir(parents=True, exist_ok=True)
    measured = {
        "date": time.strftime("%Y-%m-%d"),
        "data": [part.name.rpartition(":")[2] for part in sets],
        "frames": len(evidence),
        "darkened_copies": sum(one.name != one.origin for one in evidence),
        "models": {role: bundle.name for role, bundle in bundles.items()},
        "miou_alone": {route: round(x, 4) for route, x in found.judged.single.items()},
        "miou_auto": round(found.judged.auto, 4),
        "handicap": found.handicap,
        "processor": str(machine().get("cpu", "")),
    }
    path = args.out / "routing.yaml"
    write_routing(path, found.policy, {"costs_ms": costs, "measured": measured})
    _write_curves(args.out, found, evidence)
    return {
        "policy": str(path),
        "costs_ms": costs,
        "auto_ms": round(auto_ms, 2),
        "routes": dict(found.judged.routes),
        "curves": {route: list(curve) for route, curve in (found.policy.quality or {}).items()},
        **{key: measured[key] for key in ("frames", "darkened_copies", "miou_alone", "miou_auto")},
        "handicap": found.handicap,
    }


def _measure(
    pipeline: Pipeline, sets: list[DrivingSet], predicted: str, args: argparse.Namespace
) -> tuple[list[Evidence], dict[str, list[float]]]:
    """Return the evidence of all frames and their copies, and the times of each route."""
    to_scored = lookup(predicted, SCORED)
    times: dict[str, list[float]] = {route: [] for route in pipeline.routes}
    evidence = []
    parts = [(part, part.samples[: args.count or None]) for part in sets]
    with Progress(sum(len(samples) for _, samples in parts), "frames") as progress:
        for part, samples in parts:
            for index, sample in enumerate(samples):
                image, truth = part.load_pair(sample, SCORED)
                copies = args.exposures if sample.time_of_day in ("", "day") else ()
                for exposure in (1.0, *copies):
                    seen = image if exposure == 1.0 else darkened(image, exposure, index)
                    counts, light = {}, 0.0
                    for route in pipeline.routes:
                        pipeline.settings = PipelineSettings(route=route)
                        result = pipeline.process(np.ascontiguousarray(seen), "rgb")
                        times[route].append(result.times_ms["total"])
                        counts[route] = _confusion(cv2.LUT(result.mask, to_scored), truth)
                        light = result.illumination
                    origin = f"{part.name}/{sample.name}"
                    name = origin if exposure == 1.0 else f"{origin} at {exposure:g}"
                    evidence.append(Evidence(name, origin, light, counts))
                progress.advance(note=sample.name)
    return evidence, times


def _confusion(mask: NDArray[Any], truth: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return (n, n + 1) counts, truth by prediction; the last column is what is no class."""
    n = label_set(SCORED).count
    known = truth != IGNORE
    guess = np.minimum(mask[known].astype(np.int64), n)
    flat = np.bincount(truth[known].astype(np.int64) * (n + 1) + guess, minlength=n * (n + 1))
    return np.asarray(flat.reshape(n, n + 1), np.int64)


def _write_curves(out: Path, found: Fit, evidence: list[Evidence]) -> None:
    """Write curves.csv, and curves.png where matplotlib is there."""
    curves = found.policy.quality or {}
    rows = ["route,illumination,quality"]
    rows += [f"{route},{x},{y}" for route, curve in curves.items() for x, y in curve]
    (out / "curves.csv").write_text("\n".join(rows) + "\n")
    try:
        import matplotlib
    except ImportError:
        return  # an extra
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 4.5))
    for route, curve in curves.items():
        axis.plot(*zip(*curve, strict=True), marker=".", label=route)
    for one in evidence:
        axis.axvline(one.illumination, ymax=0.03, color="grey", alpha=0.5)
    axis.set(xlabel="illumination", ylabel="mIoU", title="quality of the routes")
    axis.grid(alpha=0.3)
    axis.legend()
    figure.tight_layout()
    figure.savefig(out / "curves.png", dpi=110)
    pyplot.close(figure)


def render(result: dict[str, Any]) -> str:
    """Return the curves and the verdict as text."""
    curves = {route: dict(points) for route, points in result["curves"].items()}
    levels = sorted({x for points in curves.values() for x in points})
    rows = []
    for level in levels:
        values = {route: points[level] for route, points in curves.items() if level in points}
        best = max(values, key=lambda route: values[route])
        shown = [f"{100 * values[r]:.1f}" if r in values else "-" for r in curves]
        rows.append([f"{level:.2f}", *shown, best])
    table = text_table(["illumination", *curves, "best"], rows, left=(len(curves) + 1,))
    alone = ", ".join(f"{r} {100 * x:.2f} %" for r, x in result["miou_alone"].items())
    costs = ", ".join(f"{route} {ms:.1f} ms" for route, ms in result["costs_ms"].items())
    chosen = ", ".join(f"{route} {n}" for route, n in result["routes"].items())
    return "\n".join(
        [
            table,
            f"mIoU over {result['frames']} frames ({result['darkened_copies']} darkened copies): "
            f"{alone}; auto {100 * result['miou_auto']:.2f} % (cross-validated; {chosen})",
            f"median cost here: {costs}; auto {result['auto_ms']:.1f} ms",
            f"lead that another route needs over the best single one: {result['handicap']:g}",
            f"policy: {result['policy']}; give it to the node as parameter routing_policy",
        ]
    )
