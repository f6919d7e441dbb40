# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench stabilise`: flicker, mean IoU and time with and without `stabilise`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nightseg_ros.bundles.choice import shared_labels
from nightseg_ros.bundles.routes import ENGINES_OF, NIGHT, ROUTES
from nightseg_ros.cli.options.fields import nested, option
from nightseg_ros.cli.options.models import EngineOptions, ModelOptions
from nightseg_ros.cli.progress import track
from nightseg_ros.datasets import open_set
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.text_table import cell, text_table
from nightseg_ros.labels.label_set import CITYSCAPES19, label_set

GOAL_FLICKER, GOAL_MIOU, GOAL_MS = 0.4, 0.002, 2.0
DRIVE_FPS = 10.0
TIMED = 20
"""Frames that are used again and again to measure the time."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg bench stabilise`."""

    data: tuple[str, ...] = option(
        "labelled sets whose images follow each other", (), metavar="SPEC", nargs="*"
    )
    fps: float = option("images per second of these sets (default: 15)", 15.0)
    frames: int = option(
        "frames of the rendered drive (default: 300; under 237 it is faster than 40 km/h)",
        300,
        metavar="N",
    )
    seed: int = option("street of the rendered drive (default: 1)", 1)
    route: str = option("of every frame (default: night)", NIGHT, choices=ROUTES)
    models: ModelOptions = nested(ModelOptions)
    engines: EngineOptions = nested(EngineOptions)


def run(options: Options) -> dict[str, object]:
    """Segment each sequence with and without."""
    from nightseg_ros.perception.pipeline_settings import PipelineSettings
    from nightseg_ros.replay.score_folders import scored_set
    from nightseg_ros.trials.bench_stabilise import compare, milliseconds, rendered

    if options.frames < 2 or options.fps <= 0:
        raise NightsegError(
            f"--frames {options.frames}, --fps {options.fps:g}: need at least 2, and more than 0"
        )
    sets = [open_set(spec) for spec in options.data]
    if bare := [spec for spec, part in zip(options.data, sets, strict=True) if not part.label_set]:
        raise NightsegError(f"{bare[0]} is unlabelled; name a labelled set")
    route, bundles = options.models.choose(options.route)
    labels, settings = shared_labels(bundles.values()), PipelineSettings(route=route)
    with options.engines.running(bundles) as engines:
        segmenter = engines[ENGINES_OF[route][-1]]
        few = rendered(min(options.frames, TIMED), (640, 360), DRIVE_FPS, options.seed)
        speed = milliseconds(segmenter, few)
        drive = rendered(options.frames, (640, 360), DRIVE_FPS, options.seed)
        shown = track(drive, "rendered drive", options.frames)
        scored = scored_set(CITYSCAPES19, labels)
        found = compare(engines, settings, labels, shown, DRIVE_FPS, CITYSCAPES19, scored)
        sources = [{"name": f"rendered drive, seed {options.seed}", **found}]
        for spec, part in zip(options.data, sets, strict=True):
            stored = label_set(part.label_set or "")
            pairs = (part.load_pair(sample, stored) for sample in part.samples)
            shown = track(pairs, spec, len(part))
            scored = scored_set(stored, labels)
            found = compare(engines, settings, labels, shown, options.fps, stored, scored)
            sources.append({"name": spec, **found})
    return {
        "bench": "stabilise",
        "models": {role: bundle.name for role, bundle in bundles.items()},
        "route": route,
        "sources": sources,
        "input": list(segmenter.input_size),
        "milliseconds": speed,
    }


def render(result: dict[str, Any]) -> str:
    """Return a row for each sequence and variant."""
    rows, lines = [], []
    for source in result["sources"]:
        for name, figures in source["variants"].items():
            flicker = figures["flicker"]
            rows.append(
                [
                    source["name"],
                    name,
                    str(source["frames"]),
                    cell(None if flicker is None else 100 * flicker),
                    f"{100 * figures['miou']:.2f}",
                ]
            )
        plain, held = source["variants"].values()
        if plain["flicker"]:
            less = 100 * (1 - held["flicker"] / plain["flicker"])
            points = 100 * (held["miou"] - plain["miou"])
            lines.append(
                f"{source['name']}: {less:.0f} % less flicker (goal {100 * GOAL_FLICKER:.0f}), "
                f"mIoU {points:+.2f} (goal {-100 * GOAL_MIOU:.1f} or more); "
                f"optical flow followed {100 * source['followed']:.0f} % of the pixels"
            )
    (height, width), ms = result["input"], result["milliseconds"]
    lines.append(
        f"{width}x{height}: p50 {ms['p50']:.2f} ms, p95 {ms['p95']:.2f} ms of the processor "
        f"a frame (goal {GOAL_MS:g} ms)"
    )
    header = ["sequence", "masks", "frames", "flicker %", "mIoU %"]
    return "\n".join([text_table(header, rows, left=(0, 1)), "", *lines])
