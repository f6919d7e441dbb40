# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench engines`: every engine that is here, on every model, at several sizes."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import Any

from nightseg_ros.atomic import write_atomically
from nightseg_ros.bundle import default_models_dir
from nightseg_ros.cli.plain import to_json
from nightseg_ros.cli.progress import Progress
from nightseg_ros.cli.sizes import image_size
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.engine_bench import table as engine_bench_table
from nightseg_ros.evaluation.engine_bench.bench import Plan
from nightseg_ros.evaluation.engine_bench.networks import (
    FULL,
    FUSED,
    LIGHT,
    Exporter,
    Quantiser,
    made_network,
    shipped_networks,
)
from nightseg_ros.evaluation.engine_bench.plot import plot
from nightseg_ros.evaluation.engine_bench.ratios import ratios
from nightseg_ros.evaluation.engine_bench.run import (
    CHOICES,
    Task,
    default_batches,
    default_engines,
    groups,
    measure,
)

SIZES = "480x272,640x360,1024x512,1280x720"
MAX_BATCH = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this measurement."""
    parser.add_argument(
        "--models",
        nargs="+",
        metavar="NAME",
        help="models to run, by name or by folder (default: all that are shipped)",
    )
    parser.add_argument("--models-dir", type=Path, metavar="FOLDER", help="models folder")
    parser.add_argument(
        "--sizes",
        type=_sizes,
        default=SIZES,
        metavar="WxH,...",
        help=f"sizes of the network's input (default: {SIZES})",
    )
    parser.add_argument(
        "--batch",
        type=_batches,
        metavar="N,...",
        help="images at once (default: 1,4, and 8 with a GPU)",
    )
    parser.add_argument(
        "--all-batches",
        action="store_true",
        help="measure every batch at every size, not those over 1 at the first size only",
    )
    add_common_arguments(parser)


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that `bench peers` has too."""
    parser.add_argument(
        "--engines",
        nargs="+",
        choices=CHOICES,
        metavar="ENGINE",
        help=f"engines to run (default: all that are here): {', '.join(CHOICES)}",
    )
    parser.add_argument("--rounds", type=int, default=2, help="turns of each (default: 2)")
    parser.add_argument(
        "--seconds", type=float, default=0.5, help="length of a turn, at least (default: 0.5)"
    )
    parser.add_argument(
        "--threads", type=int, default=0, help="CPU threads of an engine; 0 is one per core"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write the figures there as JSON, text and PNG"
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Measure."""
    plan = Plan(args.rounds, args.seconds, threads=args.threads)
    networks = shipped_networks(args.models_dir or default_models_dir(), args.models)
    export, notes = exporter(), []
    if export is None:
        notes.append("other sizes than the models' own need torch: pip install '.[train]'")
    elif args.models is None:
        labels = {network.label for network in networks}
        made = [made_network(architecture) for architecture in (FULL, FUSED, LIGHT)]
        networks += [network for network in made if network.label not in labels]
    batches = args.batch or default_batches()
    task = Task(
        networks,
        groups(args.sizes, batches, all_sizes=args.all_batches),
        args.engines or default_engines(),
        plan,
    )
    return measured(task, export, args.out, "bench_engines", notes)


def exporter() -> Exporter | None:
    """Return what exports networks for other sizes, None without torch."""
    if not _installed("torch", "onnx", "onnxscript"):
        return None
    from nightseg_ros.export.bench_networks import random_onnx

    return random_onnx


def quantiser() -> Quantiser | None:
    """Return what quantises networks for their speed, None without NNCF."""
    if not _installed("nncf", "openvino"):
        return None
    from nightseg_ros.export.bench_int8 import quantised_for_speed

    return quantised_for_speed


def _installed(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) for package in packages)


def measured(
    task: Task, export: Exporter | None, out: Path | None, name: str, notes: list[str]
) -> dict[str, object]:
    """Measure a task, and write what came out where that is wanted."""
    if out is not None:
        _make(out)  # before minutes of work, not after
    with Progress(None, "turns") as progress:
        found = measure(task, export, quantiser(), lambda note: progress.advance(note=note))
    result: dict[str, Any] = {**found, "ratios": ratios(found["rows"]), "notes": notes}
    if out is not None:
        if reason := plot(result, out / f"{name}.png"):
            notes.append(reason)
        write_atomically(out / f"{name}.json", to_json(result).encode())
        write_atomically(out / f"{name}.txt", (render(result) + "\n").encode())
        result["out"] = str(out)
    return result


def render(result: dict[str, Any]) -> str:
    """Return the figures as tables."""
    text = engine_bench_table.render(result)
    return f"{text}\nwritten to {result['out']}" if result.get("out") else text


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise NightsegError(
            f"cannot write into {folder} ({error.strerror}); name another folder with --out"
        ) from error


def _sizes(text: str) -> list[tuple[int, int]]:
    """Return (height, width) of each of several sizes."""
    return list(dict.fromkeys(image_size(word) for word in text.split(",")))


def _batches(text: str) -> list[int]:
    """Return several numbers of images, in rising order."""
    words = text.split(",")
    if not all(word.isdigit() and 1 <= int(word) <= MAX_BATCH for word in words):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no batch; write numbers from 1 to {MAX_BATCH}, as 1,4"
        )
    return sorted({int(word) for word in words})
