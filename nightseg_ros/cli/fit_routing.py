# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg fit-routing`: the quality of each route at each light, and a policy made of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from nightseg_ros.bundles.choice import choose_models, shared_labels
from nightseg_ros.bundles.routes import AUTO
from nightseg_ros.cli.options.fields import nested, option
from nightseg_ros.cli.options.models import EngineOptions, ModelOptions, model_option
from nightseg_ros.cli.progress import Progress
from nightseg_ros.datasets import DrivingSet, open_set
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.csv_file import write_csv
from nightseg_ros.files.machine import machine
from nightseg_ros.files.text_table import text_table
from nightseg_ros.labels.lookup import scored_in
from nightseg_ros.metrics.confusion import ConfusionMatrix
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings
from nightseg_ros.perception.routing import RoutingPolicy, write_routing
from nightseg_ros.replay.routing_fit import Evidence, Fit, darkened, fit

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle
    from nightseg_ros.labels.label_set import LabelSet

EXPOSURES = (0.2, 0.06, 0.02)
MODELS = ("erf_pspnet_fast_day", "erf_pspnet_fast_night", "night2day")


@dataclass(frozen=True, kw_only=True)
class FittedModels(ModelOptions):
    """Which models are measured; by default the light ones."""

    model: tuple[str, ...] = model_option(" ".join(MODELS))

    def choose(self, route: str | None, *, every: bool = False) -> tuple[str, dict[str, Bundle]]:
        """Return the route and the bundles that --model and --models ask for."""
        return choose_models(
            self.model or MODELS, self.folder, route, every=every, labels_as=self.labels_as
        )


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg fit-routing`."""

    data: tuple[str, ...] = option(
        "labelled validation sets, by day, dusk and night", metavar="SPEC", nargs="+"
    )
    models: FittedModels = nested(FittedModels)
    exposures: tuple[float, ...] = option(
        "light that is left on the darkened copies of day frames "
        f"(default: {' '.join(map(str, EXPOSURES))}; none: no copies)",
        EXPOSURES,
        metavar="0..1",
        nargs="*",
    )
    count: int = option("frames of each set (default: all)", 0)
    out: Path = option("gets routing.yaml, curves.csv and curves.png", fills=True)
    engines: EngineOptions = nested(EngineOptions)


def run(options: Options) -> dict[str, object]:
    """Measure the routes, fit the policy and write it."""
    sets = [open_set(spec) for spec in options.data]
    for part in sets:
        if part.label_set in (None, "drivable"):
            raise NightsegError(f"{part.name} has no class labels; give a labelled set")
    if any(not 0.0 < exposure < 1.0 for exposure in options.exposures):
        raise NightsegError(
            f"--exposures are {list(options.exposures)}; give values between 0 and 1"
        )
    _, bundles = options.models.choose(AUTO)
    with options.engines.running(bundles) as engines:
        labels = shared_labels(bundles.values())
        evidence, times = _measure(Pipeline(engines, classes=labels.count), sets, labels, options)
    found = fit(evidence, RoutingPolicy())
    costs = {route: round(median(values), 2) for route, values in times.items()}
    frames = sum(found.evaluation.routes.values())
    auto_ms = sum(costs[route] * n for route, n in found.evaluation.routes.items()) / frames
    options.out.mkdir(parents=True, exist_ok=True)
    measured = {
        "date": time.strftime("%Y-%m-%d"),
        "data": [part.name.rpartition(":")[2] for part in sets],
        "frames": len(evidence),
        "darkened_copies": sum(one.name != one.origin for one in evidence),
        "models": {role: bundle.name for role, bundle in bundles.items()},
        "miou_alone": {route: round(x, 4) for route, x in found.evaluation.single.items()},
        "miou_auto": round(found.evaluation.auto, 4),
        "handicap": found.handicap,
        "processor": machine()["processor"],
    }
    path = options.out / "routing.yaml"
    write_routing(path, found.policy, {"costs_ms": costs, "measured": measured})
    _write_curves(options.out, found, evidence)
    return {
        "policy": str(path),
        "costs_ms": costs,
        "auto_ms": round(auto_ms, 2),
        "routes": dict(found.evaluation.routes),
        "curves": {route: list(curve) for route, curve in (found.policy.quality or {}).items()},
        **{key: measured[key] for key in ("frames", "darkened_copies", "miou_alone", "miou_auto")},
        "handicap": found.handicap,
    }


def _measure(
    pipeline: Pipeline, sets: list[DrivingSet], labels: LabelSet, options: Options
) -> tuple[list[Evidence], dict[str, list[float]]]:
    """Return the evidence of all frames and their copies, and the times of each route."""
    scored = scored_in(labels)
    matrix = ConfusionMatrix(scored, prediction_labels=labels)
    times: dict[str, list[float]] = {route: [] for route in pipeline.routes}
    evidence = []
    parts = [(part, part.samples[: options.count or None]) for part in sets]
    with Progress(sum(len(samples) for _, samples in parts), "frames") as progress:
        for part, samples in parts:
            for index, sample in enumerate(samples):
                image, truth = part.load_pair(sample, scored)
                copies = options.exposures if sample.time_of_day in ("", "day") else ()
                for exposure in (1.0, *copies):
                    seen = image if exposure == 1.0 else darkened(image, exposure, index)
                    counts, light = {}, 0.0
                    for route in pipeline.routes:
                        pipeline.settings = PipelineSettings(route=route)
                        result = pipeline.process(np.ascontiguousarray(seen), "rgb")
                        times[route].append(result.times_ms["total"])
                        counts[route] = matrix.count(truth, result.mask)
                        light = result.illumination
                    origin = f"{part.name}/{sample.name}"
                    name = origin if exposure == 1.0 else f"{origin} at {exposure:g}"
                    evidence.append(Evidence(name, origin, light, counts))
                progress.advance(note=sample.name)
    return evidence, times


def _write_curves(out: Path, found: Fit, evidence: list[Evidence]) -> None:
    """Write curves.csv, and curves.png where matplotlib is there."""
    curves = found.policy.quality or {}
    rows = [(route, x, y) for route, curve in curves.items() for x, y in curve]
    write_csv(out / "curves.csv", ["route", "illumination", "quality"], rows)
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
            f"{alone}",
            f"auto, on frames it has not seen: {100 * result['miou_auto']:.2f} % ({chosen})",
            f"median cost here: {costs}; auto {result['auto_ms']:.1f} ms",
            f"lead that another route needs over the best single one: {result['handicap']:g}",
            f"policy: {result['policy']}; give it to the node as parameter routing_policy",
        ]
    )
