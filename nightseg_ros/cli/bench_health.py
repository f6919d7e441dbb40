# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench health`: which faults of a camera are found, false alarms, and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nightseg_ros.cli.options.fields import flag, option
from nightseg_ros.cli.progress import Progress
from nightseg_ros.datasets import open_set
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.text_table import text_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nightseg_ros.datasets.sample import DrivingSet, Sample

GOAL_MS, GOAL_ALARMS = 0.5, 1.0
RENDERED = "rendered drive"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg bench health`."""

    data: tuple[str, ...] = option(
        "sets of photographs, each played as a drive into it for five seconds",
        (),
        metavar="SPEC",
        nargs="*",
    )
    chosen_on: bool = flag("the photographs on which the limits were chosen, not the others")
    drives: int = option("photographs of each set that get faults (default: 20)", 20, metavar="N")
    stills: int = option("photographs of each clean drive (default: all)", 0, metavar="N")
    frames: int = option("frames of the rendered drive (default: 300)", 300, metavar="N")


def run(options: Options) -> dict[str, object]:
    """Inject faults, count what is found."""
    from nightseg_ros.perception.camera_health import LIMITS
    from nightseg_ros.trials import bench_health as bench

    length = bench.CLEAN + bench.WITHIN
    if options.frames < length or options.drives < 1 or options.stills < 0:
        raise NightsegError(
            f"--frames {options.frames}, --drives {options.drives}, --stills {options.stills}: "
            f"need at least {length}, 1 and 0"
        )
    sets = [open_set(spec) for spec in options.data]
    with Progress(1 + len(sets), "sources") as progress:
        images = list(bench.rendered(options.frames, (640, 360)))
        starts = range(0, options.frames - length + 1, length)
        parts = [images[start : start + length] for start in starts]
        sources = [_source(RENDERED, bench.false_alarms(iter(images)), bench.detection(parts))]
        speed = bench.milliseconds([bench.scaled(image, (1280, 720)) for image in images[:20]])
        progress.advance()
        for spec, part in zip(options.data, sets, strict=True):
            samples = part.samples[0 if options.chosen_on else 1 :: 2]
            if not samples:
                raise NightsegError(f"'{spec}' has {len(part)} images; need 2 or more")
            clean = samples[:: max(1, len(samples) // (options.stills or len(samples)))]
            few = samples[:: max(1, len(samples) // options.drives)][: options.drives]
            alarms = bench.false_alarms(
                frame for sample in clean for frame in bench.played(_bgr(part, sample))
            )
            drives = [bench.played(_bgr(part, sample), length) for sample in few]
            sources.append(_source(spec, alarms, bench.detection(drives)))
            progress.advance()
    return {
        "bench": "health",
        "chosen_on": options.chosen_on,
        "sources": sources,
        "milliseconds": speed,
        "limits": LIMITS,
    }


def _bgr(part: DrivingSet, sample: Sample) -> NDArray[np.uint8]:
    return np.ascontiguousarray(part.load_image(sample)[..., ::-1])


def _source(name: str, clean: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "clean": clean, "rows": rows}


def render(result: dict[str, Any]) -> str:
    """Return the shares found by strength, and the false alarms."""
    sources = result["sources"]
    header = ["fault", "strength", *(f"({i})" for i in range(1, len(sources) + 1)), "of"]
    rows = [
        [
            row["fault"],
            f"{row['strength']:g}",
            *(f"{100 * source['rows'][i]['found']:.0f} %" for source in sources),
            row["unit"],
        ]
        for i, row in enumerate(sources[0]["rows"])
    ]
    lines = [
        "share of drives in which a fault is found within a second",
        text_table(header, rows, left=(0, len(header) - 1)),
        "",
        "clean drives",
    ]
    for i, source in enumerate(sources, 1):
        clean = source["clean"]
        which = ", ".join(f"{count} {name}" for name, count in clean["alarms"].items())
        lines.append(
            f"({i}) {source['name']}: {clean['frames']} frames, {clean['hours']:.2f} hours, "
            f"{clean['alarms_per_hour']:.1f} false alarms an hour (goal {GOAL_ALARMS:g})"
            + (f": {which}" if which else "")
        )
    speed = result["milliseconds"]
    lines.append(
        f"1280x720: p50 {speed['p50']:.2f} ms, p95 {speed['p95']:.2f} ms of the processor a frame "
        f"(goal {GOAL_MS:g} ms)"
    )
    return "\n".join(lines)
