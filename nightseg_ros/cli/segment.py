# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg segment`: masks of images, folders and videos, by the very pipeline of the node."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from nightseg_ros.bundles.bundle import calibrations
from nightseg_ros.bundles.choice import shared_labels
from nightseg_ros.bundles.routes import CHOICES
from nightseg_ros.cli.options.fields import argument, flag, nested, option
from nightseg_ros.cli.options.models import ROUTE_HELP, EngineOptions, ModelOptions
from nightseg_ros.cli.segment_inputs import check_names, find_inputs
from nightseg_ros.cli.segment_job import SegmentJob
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg segment`."""

    input: tuple[Path, ...] = argument("images, videos, and folders of them")
    out: Path = option("where <stem>.png masks go", metavar="FOLDER", fills=True)
    route: str | None = option(ROUTE_HELP, None, choices=CHOICES)
    overlay: bool = flag("also write <stem>_overlay.jpg for human eyes")
    models: ModelOptions = nested(ModelOptions)
    engines: EngineOptions = nested(EngineOptions)
    confidence_threshold: float = option(
        "pixels below it become 255, unlabelled (default: 0, keep all)", 0.0, metavar="0..1"
    )
    stabilise: bool = flag("hold the masks of videos still, as the node's parameter does")


def run(options: Options) -> dict[str, object]:
    """Segment everything that can be read; what could not makes the exit code 2."""
    files = find_inputs(options.input)
    check_names(files, options.out, overlays=options.overlay)
    route, bundles = options.models.choose(options.route)
    settings = PipelineSettings(
        route=route,
        confidence_threshold=options.confidence_threshold,
        stabilise=options.stabilise,
    )
    labels = shared_labels(bundles.values())
    with options.engines.running(bundles) as engines:
        pipeline = Pipeline(
            engines, settings, classes=labels.count, calibrations=calibrations(bundles)
        )
        job = SegmentJob(pipeline, options.out, labels if options.overlay else None)
        job.segment(files)
    return {
        "out": str(options.out),
        "written": len(job.total_ms),
        "routes": dict(job.routes),
        "median_ms": round(median(job.total_ms), 3) if job.total_ms else None,
        "models": {role: bundle.name for role, bundle in bundles.items()},
        "engines": {role: asdict(engine.info) for role, engine in engines.items()},
        "failed": job.failed,
        "exit_code": 2 if job.failed else 0,
    }


def render(result: dict[str, object]) -> str:
    """Return a summary for people."""
    routes, failed = result["routes"], result["failed"]
    assert isinstance(routes, dict)
    assert isinstance(failed, list)
    taken = ", ".join(f"{route} {count}" for route, count in sorted(routes.items()))
    lines = [
        f"{result['written']} masks in {result['out']}" + (f" (route {taken})" if taken else "")
    ]
    if result["median_ms"] is not None:
        lines[0] += f", {result['median_ms']:.0f} ms each"
    lines += [f"failed: {failure['reason']}" for failure in failed]
    return "\n".join(lines)
