# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench weather`: what fog, rain and snow cost, and whether the novelty detects it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nightseg_ros.bundles.bundle import domains
from nightseg_ros.bundles.choice import shared_labels
from nightseg_ros.cli.options.fields import nested, option
from nightseg_ros.cli.options.models import EngineOptions, ModelOptions
from nightseg_ros.cli.progress import Progress
from nightseg_ros.datasets import open_set
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.text_table import cell, text_table
from nightseg_ros.labels.lookup import scored_in
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nightseg_ros.datasets import DrivingSet
    from nightseg_ros.labels.label_set import LabelSet


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg bench weather`."""

    data: tuple[str, ...] = option(
        "labelled validation sets; frames of one light, by day or by night, say most",
        metavar="SPEC",
        nargs="+",
    )
    known: tuple[str, ...] = option(
        "other frames of the domain: the strange ones are to have more novelty than these",
        (),
        metavar="SPEC",
        nargs="*",
    )
    other: tuple[str, ...] = option(
        "further sets whose novelty is measured", (), metavar="SPEC", nargs="*"
    )
    frames: int = option("frames of each set without labels (default: 300)", 300, metavar="N")
    models: ModelOptions = nested(ModelOptions)
    engines: EngineOptions = nested(EngineOptions)


def run(options: Options) -> dict[str, object]:
    """Show the model all frames under all conditions."""
    from nightseg_ros.trials import bench_weather as bench

    route, bundles = options.models.choose(None)
    labels = shared_labels(bundles.values())
    scored = scored_in(labels)
    sets = [open_set(spec) for spec in options.data]
    for part in sets:
        if part.label_set in (None, "drivable"):
            raise NightsegError(f"{part.name} has no class labels; give a labelled set")
    sides = {spec: open_set(spec) for spec in (*options.known, *options.other)}
    total = sum(map(len, sets)) * len({**bench.CONDITIONS, **bench.STRANGE})
    with (
        options.engines.running(bundles) as engines,
        Progress(sum(map(len, sets)) + len(sides), "frames and sets") as progress,
    ):
        settings = PipelineSettings(route=route)
        pipeline = Pipeline(engines, settings, classes=labels.count, domains=domains(bundles))
        known: list[float] = []
        drives = []
        for spec, part in sides.items():
            values, figures = bench.as_a_drive(pipeline, _some(part, options.frames))
            known += values if spec in options.known else []
            auroc = bench.auroc(values, known) if values and spec not in options.known else None
            drives.append({"data": part.name, "auroc": auroc and round(100 * auroc, 2), **figures})
            progress.advance(note=part.name)
        found = bench.measure(pipeline, _labelled(sets, scored, progress), scored, labels)
    return {
        "bench": "weather",
        "models": {role: bundle.name for role, bundle in bundles.items()},
        "route": route,
        "data": [part.name for part in sets],
        "images": total,
        "rows": bench.rows(found, known),
        "drives": drives,
    }


def _labelled(
    sets: list[DrivingSet], scored: LabelSet, progress: Progress
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    from nightseg_ros.trials import bench_weather as bench

    for part in sets:
        for sample, image, truth in part.load_all(scored, max_bad=0.0):
            assert truth is not None
            yield bench.smaller(image, truth)
            progress.advance(note=sample.name)


def _some(part: DrivingSet, count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield at most about `count` images from all over a set."""
    for sample in part.samples[:: max(1, round(len(part) / count))]:
        yield part.load_image(sample)


def render(result: dict[str, Any]) -> str:
    """Return the mIoU, what each class loses, and what the light and the novelty say."""
    rows = result["rows"]
    clean = rows[0]["iou"]
    header = ["condition", "mIoU", *clean, "light wrong", "unreported", "hazy", "outside", "AUROC"]
    cells = []
    for row in rows:
        scores = row.get("iou")
        classes = [
            "" if scores is None else cell(scores[name] - (0 if row is rows[0] else clean[name]))
            for name in clean
        ]
        figures = (row[key] for key in ("light_wrong", "unreported", "hazy", "outside", "auroc"))
        cells.append([row["condition"], cell(row.get("miou")), *classes, *map(cell, figures)])
    lines = [
        f"{', '.join(result['models'].values())} on {', '.join(result['data'])}",
        text_table(header, cells),
        "classes: IoU as it is, and what it gains or loses; light wrong: route auto takes the",
        "frame for day instead of night or the reverse; unreported: without saying that it is",
        "hazy; outside: novelty above 1; AUROC: against the known frames; all in %",
    ]
    if result["drives"]:
        lines += [
            "",
            text_table(
                ["set", "frames", "median novelty", "hazy", "outside", "warning", "AUROC"],
                [
                    [
                        *(drive["data"], str(drive["frames"]), cell(drive["median"])),
                        *(cell(drive[key]) for key in ("hazy", "outside", "warned", "auroc")),
                    ]
                    for drive in result["drives"]
                ],
            ),
        ]
    return "\n".join(lines)
