# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench engines`: every engine that is here, on every model, at several sizes."""

from __future__ import annotations

import argparse
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.bundles.models_folder import default_models_dir
from nightseg_ros.cli.options.fields import flag, option
from nightseg_ros.cli.options.values import image_size
from nightseg_ros.cli.progress import Progress
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import write_atomically
from nightseg_ros.files.json_file import to_json
from nightseg_ros.trials.engine_bench import table as engine_bench_table
from nightseg_ros.trials.engine_bench.bench import Plan
from nightseg_ros.trials.engine_bench.graph_file import GraphFile
from nightseg_ros.trials.engine_bench.networks import (
    FULL,
    FUSED,
    LIGHT,
    Exporter,
    Quantiser,
    made_network,
    shipped_networks,
)
from nightseg_ros.trials.engine_bench.plot import plot
from nightseg_ros.trials.engine_bench.ratios import ratios
from nightseg_ros.trials.engine_bench.run import (
    CHOICES,
    Task,
    default_batches,
    default_engines,
    groups,
    measure,
)

SIZES = "480x272,640x360,1024x512,1280x720"
MAX_BATCH = 64


def _sizes(text: str) -> tuple[tuple[int, int], ...]:
    """Return (height, width) of each of several sizes."""
    return tuple(dict.fromkeys(image_size(word) for word in text.split(",")))


def _batches(text: str) -> tuple[int, ...]:
    """Return several numbers of images, in rising order."""
    words = text.split(",")
    if not all(word.isdigit() and 1 <= int(word) <= MAX_BATCH for word in words):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no batch; write numbers from 1 to {MAX_BATCH}, as 1,4"
        )
    return tuple(sorted({int(word) for word in words}))


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg bench engines`."""

    models: tuple[str, ...] | None = option(
        "models to run, by name or by folder (default: all that are shipped)",
        None,
        metavar="NAME",
        nargs="+",
    )
    onnx: tuple[Path, ...] = option(
        "other networks to run beside them: ONNX graphs that take images, NCHW or NHWC",
        (),
        metavar="FILE",
        nargs="+",
    )
    models_dir: Path | None = option("models folder", None, metavar="FOLDER")
    sizes: tuple[tuple[int, int], ...] = option(
        f"sizes of the network's input (default: {SIZES})",
        _sizes(SIZES),
        parse=_sizes,
        metavar="WxH,...",
    )
    batch: tuple[int, ...] | None = option(
        "images at once (default: 1,4, and 8 with a GPU)", None, parse=_batches, metavar="N,..."
    )
    all_batches: bool = flag(
        "measure every batch at every size, not those over 1 at the first size only"
    )
    engines: tuple[str, ...] | None = option(
        f"engines to run (default: all that are here): {', '.join(CHOICES)}",
        None,
        choices=CHOICES,
        metavar="ENGINE",
        nargs="+",
    )
    rounds: int = option("turns of each (default: 2)", 2)
    seconds: float = option("length of a turn, at least (default: 0.5)", 0.5)
    threads: int = option("CPU threads of an engine; 0 is one per core", 0)
    out: Path | None = option("write the figures there as JSON, text and PNG", None, metavar="DIR")


def run(options: Options) -> dict[str, object]:
    """Measure."""
    plan = Plan(options.rounds, options.seconds, threads=options.threads)
    networks = shipped_networks(options.models_dir or default_models_dir(), options.models)
    export, notes = exporter(), []
    if export is None:
        notes.append("other sizes than the models' own need torch: pip install '.[train]'")
    elif options.models is None:
        labels = {network.label for network in networks}
        made = [made_network(architecture) for architecture in (FULL, FUSED, LIGHT)]
        networks += [network for network in made if network.label not in labels]
    graphs = [GraphFile.read(path) for path in options.onnx]
    batches = options.batch or default_batches()
    # A graph that has one size only is measured at that size too, and ours beside it.
    sizes = [*options.sizes, *(graph.size for graph in graphs if graph.size)]
    task = Task(
        networks,
        groups(list(dict.fromkeys(sizes)), batches, all_sizes=options.all_batches),
        options.engines or default_engines(),
        plan,
        graphs,
    )
    return {"bench": "engines", **_measured(task, export, options.out, notes)}


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
    from nightseg_ros.export.to_openvino import quantised_for_speed

    return quantised_for_speed


def _installed(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) for package in packages)


def _measured(
    task: Task, export: Exporter | None, out: Path | None, notes: list[str]
) -> dict[str, object]:
    """Measure a task, and write what came out where that is wanted."""
    if out is not None:
        _make(out)  # before minutes of work, not after
    with Progress(None, "turns") as progress:
        found = measure(task, export, quantiser(), lambda note: progress.advance(note=note))
    result: dict[str, Any] = {**found, "ratios": ratios(found["rows"]), "notes": notes}
    if out is not None:
        if reason := plot(result, out / "bench_engines.png"):
            notes.append(reason)
        write_atomically(out / "bench_engines.json", to_json(result).encode())
        write_atomically(out / "bench_engines.txt", (render(result) + "\n").encode())
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
