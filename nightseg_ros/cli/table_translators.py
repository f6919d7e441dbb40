# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg table translators`: whether translating night frames to day is worth its time."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

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


def add_options(group: argparse._ArgumentGroup) -> None:
    """Add the options of this table."""
    group.add_argument(
        "--data", default=os.environ.get("NIGHTSEG_DATA", ""), help="the data folder"
    )
    group.add_argument(
        "--day", type=Path, default=DAY, metavar="FILE", help=f"day model's checkpoint ({DAY})"
    )
    group.add_argument(
        "--translator",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="another row, or another checkpoint for one of "
        + "; ".join(f"{name} ({path})" for name, path in TRANSLATORS.items()),
    )
    group.add_argument("--save", type=Path, metavar="FILE", help="also write the rows as CSV")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Measure every way that is there."""
    if not args.day.is_file():
        raise NightsegError(f"there is no day model {args.day}; name its checkpoint with --day")
    from nightseg_ros.evaluation.machine import processor
    from nightseg_ros.evaluation.translators import compare_ways, save_ways
    from nightseg_ros.export.cpu_graph import segmentation_graph
    from nightseg_ros.learning.datasets.catalog import open_set
    from nightseg_ros.learning.tensor_set import expand

    sets = {name: open_set(expand(spec, args.data)) for name, spec in SETS.items()}
    ways = _ways({**TRANSLATORS, **dict(map(_pair, args.translator))})
    there = sum(not way.absent for way in ways)
    with Progress(there * sum(map(len, sets.values())), "images") as progress:
        rows = compare_ways(
            ways,
            segmentation_graph(args.day, SIZE),
            SIZE,
            sets,
            seen=lambda sample: progress.advance(note=sample.name),
        )
    if args.save:
        save_ways(args.save, rows)
    what = {
        "night": f"mIoU of {len(sets['night'])} night frames",
        "dusk": f"of {len(sets['dusk'])} at dusk and dark by day",
        "recall": f"drivable recall of {len(sets['recall'])} night frames",
    }
    return {
        "rows": rows,
        "sets": what,
        "day_model": str(args.day),
        "size": f"{SIZE[1]}x{SIZE[0]}",
        "processor": processor(),
    }


def render(result: dict[str, Any]) -> str:
    """Return the table as text."""
    from nightseg_ros.evaluation.translators import render_ways

    return render_ways(result)


def _ways(translators: dict[str, str]) -> list[Any]:
    from nightseg_ros.evaluation.engine_bench.graph import count_macs
    from nightseg_ros.evaluation.translators import Way
    from nightseg_ros.export.cpu_graph import translation_graph
    from nightseg_ros.perception.enhancement import clahe, gamma

    ways = [
        Way("nothing"),
        Way("gamma 0.5", "classical", gamma),
        Way("CLAHE", "classical", clahe),
    ]
    for name, file in translators.items():
        path = Path(file)
        if not path.is_file():
            ways.append(Way(name, file, absent=f"there is no {file}"))
            continue
        graph = translation_graph(path, SIZE)
        gmac = count_macs(graph.onnx) / 1e9
        ways.append(Way(name, file, graph, parameters=graph.parameters, gmac=gmac))
    return ways


def _pair(text: str) -> tuple[str, str]:
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise NightsegError(f"--translator {text}: write it as NAME=FILE")
    return name, file
