# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg translators`: what translating night frames to day gains and costs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.cli.options.fields import option
from nightseg_ros.cli.progress import Progress
from nightseg_ros.errors import NightsegError

DAY = Path("runs/erf_pspnet_day/model.pt")
SIZE = (272, 480)
TRANSLATORS = {
    "CycleGAN": "runs/cyclegan/night2day.pt",
    "UNIT": "runs/unit_light/night2day.pt",
    "light, CycleGAN": "runs/cyclegan_light/night2day.pt",
    "light, without task": "runs/night2day_no_task/night2day.pt",
    "light, with task": "runs/night2day_task/night2day.pt",
}
SETS = {
    "night": "nightseg:{data}:bdd_labelled/val@night",
    "dusk": "nightseg:{data}:bdd_labelled/val@dusk,dark",
    "recall": "nightseg:{data}:night_drivable_val",
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg translators`."""

    data: str = option("the data folder", factory=lambda: os.environ.get("NIGHTSEG_DATA", ""))
    day: Path = option(f"day model's checkpoint ({DAY})", DAY, metavar="FILE")
    translator: tuple[str, ...] = option(
        "another row, or another checkpoint for one of "
        + "; ".join(f"{name} ({path})" for name, path in TRANSLATORS.items()),
        (),
        metavar="NAME=FILE",
    )
    save: Path | None = option("also write the rows as CSV", None, metavar="FILE")


def run(options: Options) -> dict[str, object]:
    """Measure every way that is there."""
    if not options.day.is_file():
        raise NightsegError(f"there is no day model {options.day}; name its checkpoint with --day")
    from nightseg_ros.datasets.catalog import open_set
    from nightseg_ros.export.cpu_graph import segmentation_graph
    from nightseg_ros.files.machine import processor
    from nightseg_ros.learning.tensor_set import expand
    from nightseg_ros.replay.translators import compare_methods, save_methods

    sets = {name: open_set(expand(spec, options.data)) for name, spec in SETS.items()}
    ways = _ways({**TRANSLATORS, **dict(map(_pair, options.translator))})
    there = sum(not way.absent for way in ways)
    with Progress(there * sum(map(len, sets.values())), "images") as progress:
        rows = compare_methods(
            ways,
            segmentation_graph(options.day, SIZE),
            SIZE,
            sets,
            on_sample=lambda sample: progress.advance(note=sample.name),
        )
    if options.save:
        save_methods(options.save, rows)
    what = {
        "night": f"mIoU of {len(sets['night'])} night frames",
        "dusk": f"of {len(sets['dusk'])} at dusk and dark by day",
        "recall": f"drivable recall of {len(sets['recall'])} night frames",
    }
    return {
        "rows": rows,
        "sets": what,
        "day_model": str(options.day),
        "size": f"{SIZE[1]}x{SIZE[0]}",
        "processor": processor(),
    }


def render(result: dict[str, Any]) -> str:
    """Return the table as text."""
    from nightseg_ros.replay.translators import render_methods

    return render_methods(result)


def _ways(translators: dict[str, str]) -> list[Any]:
    from nightseg_ros.export.cpu_graph import translation_graph
    from nightseg_ros.perception.illumination import clahe, gamma
    from nightseg_ros.replay.translators import Method
    from nightseg_ros.trials.engine_bench.graph import count_macs

    ways = [
        Method("nothing"),
        Method("gamma 0.5", "classical", gamma),
        Method("CLAHE", "classical", clahe),
    ]
    for name, file in translators.items():
        path = Path(file)
        if not path.is_file():
            ways.append(Method(name, file, absent=f"there is no {file}"))
            continue
        graph = translation_graph(path, SIZE)
        gmac = count_macs(graph.onnx) / 1e9
        ways.append(Method(name, file, graph, parameters=graph.parameters, gmac=gmac))
    return ways


def _pair(text: str) -> tuple[str, str]:
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise NightsegError(f"--translator {text}: write it as NAME=FILE")
    return name, file
