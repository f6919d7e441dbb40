# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg demo`: a drive through a real ROS graph, all routes compared on it, and a report."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import time
import webbrowser
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nightseg_ros.bundles.choice import choose_bundles
from nightseg_ros.bundles.models_folder import default_models_dir, find_bundles
from nightseg_ros.bundles.routes import CHOICES
from nightseg_ros.cli import live
from nightseg_ros.cli.demo_first import (
    FIRST,
    Pace,
    first_overlay,
    recorded_frame,
    rendered_frame,
)
from nightseg_ros.cli.demo_subject import Subject, SubjectOptions, recorded, rendered
from nightseg_ros.cli.options.fields import flag, nested, option
from nightseg_ros.cli.options.models import EngineOptions, ModelOptions
from nightseg_ros.cli.options.replay import ReplayOptions
from nightseg_ros.cli.replay_bag import replay_job, run_job
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import scratch_folder
from nightseg_ros.files.sole_writer import contents
from nightseg_ros.replay.variants import ALL
from nightseg_ros.trials.stand_in import WARNING, write_stand_ins

REPORT = "report.html"
PARTS = (
    FIRST,
    "drive.mcap",
    "log",
    "replay.json",
    "replay.partial.jsonl",
    "frames.csv",
    "strip",
    REPORT,
)
"""What a demo writes, and what the next one into the same folder replaces."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg demo`."""

    out: Path = option("folder of the report (default demo_out)", Path("demo_out"), fills=True)
    subject: SubjectOptions = nested(SubjectOptions)
    models: Path | None = option(
        "models folder (default: the installed models)", None, metavar="DIR"
    )
    engines: EngineOptions = nested(EngineOptions)
    route: str = option(
        "route of the live run; offline all are compared (default auto)", "auto", choices=CHOICES
    )
    runs: int = option("live runs (default 1)", 1, metavar="N")
    no_ros: bool = flag("compare the routes only, without ROS")
    no_open: bool = flag("do not open the report in a browser")


def run(options: Options) -> dict[str, object]:
    """Drive, compare, report."""
    if not options.no_ros and importlib.util.find_spec("rclpy") is None:
        raise NightsegError(
            "there is no ROS 2 here (no rclpy): use `make demo`, source the setup.bash of your "
            "ROS 2, pip install '.[ros,replay]', or run with --no-ros"
        )
    frames = options.subject.frames
    if frames is not None and frames < 1:
        raise NightsegError(f"--frames is {frames}; it must be at least 1")
    live.check_runs(options.runs)
    start_s = time.perf_counter()
    _clear(options.out)
    with scratch_folder("demo") as scratch:
        models, engine, warning = _models(options, scratch)
        tuned = replace(options.engines, engine=engine)
        asked = options.subject
        subject = _subject(options, ModelOptions(models=models), tuned, start_s)
        for note in subject.notes if asked.recording else ():
            print(f"nightseg demo: {note}", file=sys.stderr)
        offline = ReplayOptions(
            out=options.out,
            topic=(subject.camera,),
            route=ALL,
            gt=(subject.truth,) if subject.truth and not warning else (),
            models=ModelOptions(models=models),
            engines=tuned,
        )
        measured = None if options.no_ros else _live(options, subject, offline)
        warned = [f"{warning[0].upper()}{warning[1:]}."] if warning else []
        facts = {
            "title": subject.title,
            "notes": [*subject.notes, *warned],
            "live": measured,
            "rendered": asked.recording is None,
        }
        job = replay_job(subject.compared, offline)
        with offline.engines.running(job.bundles) as engines:
            result = run_job(job, engines, facts)
    file = options.out / REPORT
    shown = not options.no_open and file.is_file() and _open(file)
    seconds = time.perf_counter() - start_s
    return {**result, "report": str(file), "opened": shown, "demo_seconds": seconds}


def render(result: dict[str, Any]) -> str:
    """Return five lines and the path of the report."""
    measured, variants = result["live"], result["variants"]
    lines = ["live     not measured", "latency  not measured"]
    if measured:
        summary = measured["summary"]
        latency = summary["latency_ms"]
        lines = [
            f"live     {summary['masks']:.0f} of {summary['sent']:.0f} frames answered, "
            f"{summary['masks_per_s'] or 0.0:.1f} per second; node "
            f"{summary['cpu_percent'] or 0.0:.0f} % of one core, "
            f"{summary['memory_mb'] or 0.0:.0f} MB",
            f"latency  image to mask {latency['p50']:.0f} ms (median), "
            f"{latency['p95']:.0f} ms (95 %), {latency['max']:.0f} ms (largest)",
        ]
    auto = variants["auto"]
    taken = ", ".join(f"{count} {route}" for route, count in auto["routes"].items())
    compared = ", ".join(_variant(name, figures) for name, figures in variants.items())
    if any(figures["scores"] for figures in variants.values()):
        compared += " (time of a frame, mIoU; rendered frames predict little about real roads)"
    models = ", ".join(f"{name} ({role})" for role, name in result["models"].items())
    return "\n".join(
        [
            *lines,
            f"auto     {taken or 'no frame'}; {auto['route_changes']} changes of route",
            f"routes   {compared}",
            f"models   {models}",
            f"report   {result['report']}  ({result['demo_seconds']:.0f} s in all)",
        ]
    )


def _variant(name: str, figures: dict[str, Any]) -> str:
    parts = []
    if figures["latency_ms"]:
        parts.append(f"{figures['latency_ms']['p50']:.0f} ms")
    if figures["scores"] and figures["scores"]["miou"] is not None:
        parts.append(f"{figures['scores']['miou']:.1f} %")
    return " ".join([name, *parts])


def _subject(
    options: Options, models: ModelOptions, engines: EngineOptions, start_s: float
) -> Subject:
    """Return what is driven through, once there is a first overlay of it to look at."""
    asked, file = options.subject, options.out / FIRST
    subject = recorded(asked) if asked.recording else None
    image, render_s = (recorded_frame(subject), 0.0) if subject else rendered_frame(asked)
    if image is not None:
        _, bundles = models.choose(ALL, every=True)

        def shown() -> None:
            spent_s = time.perf_counter() - start_s
            print(f"nightseg demo: first overlay {file} after {spent_s:.0f} s", file=sys.stderr)
            if not options.no_open:
                _open(file)

        pace = Pace(render_s, first_overlay(image, bundles, engines, file, shown))
        if subject is None and asked.frames is None:
            asked = replace(asked, frames=pace.frames(asked.fps))
        made = 0 if subject else asked.frames or 0
        compared = subject.compared.topics[subject.camera].count if subject else made
        played_s = asked.seconds if subject else made / asked.fps
        rest_s = pace.rest_s(made, 0.0 if options.no_ros else played_s, compared)
        print(f"nightseg demo: the rest takes about {rest_s:.0f} s", file=sys.stderr)
    return subject or rendered(asked, options.out)


def _live(options: Options, subject: Subject, offline: ReplayOptions) -> dict[str, Any]:
    """Play the subject into the nodes."""
    bundles = choose_bundles(offline.models.folder)
    measured = live.play(
        subject.played,
        [subject.camera],
        live.node_parameters(options.route, bundles, offline.engines),
        transport=subject.transport,
        runs=options.runs,
        overlay=True,
        respect_domain=True,
        logs=options.out / "log",
    )
    return {**measured, "route": options.route}


def _models(options: Options, scratch: Path) -> tuple[Path, str, str]:
    """Return models folder, engine and a warning; without models the fake engine stands in."""
    folder = options.models or default_models_dir()
    if options.engines.engine != "fake" and find_bundles(folder):
        return folder, options.engines.engine, ""
    if options.models:
        raise NightsegError(f"there are no models in {folder}; name a folder with model folders")
    if options.engines.engine not in ("auto", "fake"):
        raise NightsegError(
            f"engine '{options.engines.engine}' needs models, and {folder} has none"
        )
    print(f"nightseg demo: {WARNING}", file=sys.stderr)
    write_stand_ins(scratch)
    return scratch, "fake", WARNING


def _clear(out: Path) -> None:
    """Remove what an earlier demo left, and nothing else."""
    foreign = [name for name in contents(out) if name not in PARTS]
    if foreign:
        raise NightsegError(
            f"--out {out} holds other things ({foreign[0]}, ...); name another folder"
        )
    for part in PARTS:
        path = out / part
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    out.mkdir(parents=True, exist_ok=True)


def _open(file: Path) -> bool:
    """Show the report where there is a screen."""
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(display and sys.stdout.isatty()) and webbrowser.open(file.resolve().as_uri())
