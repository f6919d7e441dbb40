# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench systems`: our node and two of the usual kind, with one network, on one drive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightseg_ros.bags.frames import camera_topics
from nightseg_ros.bags.video import open_recording
from nightseg_ros.cli.live import check_runs
from nightseg_ros.cli.options.fields import option
from nightseg_ros.cli.options.models import ModelOptions, model_option, model_parameters
from nightseg_ros.cli.options.values import image_size
from nightseg_ros.cli.progress import Progress
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import scratch_folder, write_atomically
from nightseg_ros.files.csv_file import write_csv
from nightseg_ros.files.json_file import to_json
from nightseg_ros.files.machine import machine
from nightseg_ros.metrics.live import kept
from nightseg_ros.report import load
from nightseg_ros.report.live_text import runs_in_words
from nightseg_ros.report.page import Report, Section, page, panels
from nightseg_ros.report.tables import listing
from nightseg_ros.trials.live.film import RAW, Film
from nightseg_ros.trials.long_bag import LongBag, LongDrive
from nightseg_ros.trials.process_usage import disturbed_starts

if TYPE_CHECKING:
    from nightseg_ros.bags.source import Bag

FRAMES = 24
"""Of the drive that is rendered where there is no bag."""
LARGEST_BYTES = 2e9
ROUTE, ENGINE = "day", "onnxruntime-cpu"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg bench systems`."""

    bag: Path | None = option("a recording (default: a short rendered drive)", None)
    topic: tuple[str, ...] = option("its camera (default: the first)", ())
    size: tuple[int, int] = option(
        "of the rendered drive (default: 1280x720)", (720, 1280), parse=image_size, metavar="WxH"
    )
    rates: tuple[float, ...] = option(
        "images per second, one after the other (default: 5 10 15 30)",
        (5.0, 10.0, 15.0, 30.0),
        nargs="+",
        metavar="HZ",
    )
    seconds: float = option("how long each rate is played (default: 4)", 4.0)
    runs: int = option(
        "how often; of each figure the best and the worst run are left out (default: 3)", 3
    )
    threads: int = option("CPU threads of the network; 0 is one per core", 0, metavar="N")
    model: tuple[str, ...] = model_option("the day model of the models folder")
    models: Path | None = option(
        "models folder (default: NIGHTSEG_MODELS, or the installed one)", None, metavar="FOLDER"
    )
    out: Path | None = option(
        "write report, JSON and CSV into this folder", None, metavar="FOLDER", fills=True
    )


def run(options: Options) -> dict[str, object]:
    """Measure all systems."""
    if min(*options.rates, options.seconds) <= 0 or options.threads < 0:
        raise NightsegError("rates, seconds and threads must be positive numbers")
    check_runs(options.runs)
    from nightseg_ros.trials.bench_systems import SYSTEMS, Plan, measure

    models = ModelOptions(model=options.model, models=options.models)
    _, bundles = models.choose(ROUTE)
    parameters = {"route": ROUTE, "engine": ENGINE, **model_parameters(ROUTE, bundles)}
    rates = sorted(options.rates)
    plan = Plan(bundles[ROUTE], parameters, rates, options.seconds, options.runs, options.threads)
    with scratch_folder("bench") as scratch:
        bag, camera = _recording(options, scratch)
        film = Film(bag, [camera], RAW)
        frames = [frame.data for frame in film.head()]
        with Progress(len(SYSTEMS) * len(rates) * options.runs, "cells") as progress:
            found = measure(frames, plan, lambda note: progress.advance(note=note))
    result = {
        "bench": "systems",
        "recording": f"{options.bag}, {camera}" if options.bag else "a rendered drive",
        **found,
        "machine": machine(),
    }
    if options.out is not None:
        _write(options.out, result)
        result["out"] = str(options.out)
    return result


def _recording(options: Options, scratch: Path) -> tuple[Bag, str]:
    path = options.bag
    if path is None:
        path = scratch / "drive.mcap"
        height, width = options.size
        drive = LongDrive(FRAMES, width, height, distinct=FRAMES, raw=True)
        with (
            Progress(2 * FRAMES, "drive") as shown,
            LongBag(path, drive, LARGEST_BYTES) as writer,
        ):
            writer.fill(lambda what: shown.advance(note=what))
    bag = open_recording(path)
    return bag, camera_topics(bag, options.topic)[0]


def render(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    lines = [
        _lead(result),
        *disturbed_starts(result["busy"]),
        "",
        load.load_table(result["rows"]),
        "",
        load.READ,
    ]
    lines += [f"{name}: {what}" for name, what in result["systems"].items()]
    lines.append(_agreement(result))
    return "\n".join([*lines, *([f"written to {result['out']}"] if result.get("out") else [])])


def _lead(result: dict[str, Any]) -> str:
    runs = {"runs_asked": result["runs"], "runs_kept": kept(result["runs"])}
    return (
        f"{result['recording']}, {result['frames']} images; {result['model']} on {ENGINE} in all; "
        f"{runs_in_words(runs)}, of {result['seconds']:g} s at each rate; {result['transport']}"
    )


def _agreement(result: dict[str, Any]) -> str:
    same = {name: share for name, share in result["same_pixels"].items() if share < 1.0}
    words = ", ".join(f"{name} {100 * share:.1f} %" for name, share in same.items())
    return f"pixels of a mask that equal ours: {words or '100 %'}"


def _write(out: Path, result: dict[str, Any]) -> None:
    rows = result["rows"]
    lines = {
        name: [(row["hz"], row) for row in rows if row["name"] == name]
        for name in result["systems"]
    }
    report = Report(
        "Systems side by side",
        _lead(result),
        notes=[*disturbed_starts(result["busy"]), _agreement(result)],
        sections=[
            load.curve_section(load.Curves("Over the rate of images, Hz", lines)),
            load.age_section(result["series"], rows[-1]["hz"]),
            load.load_section(rows),
            Section("What ran", panels(listing({**result["systems"], **result["machine"]}))),
        ],
    )
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "systems.html", page(report).encode())
    write_atomically(out / "systems.json", (to_json(result) + "\n").encode())
    write_csv(out / "systems.csv", load.header(), map(load.numbers, rows))
