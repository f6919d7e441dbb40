# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg demo`: a drive through a real ROS graph, all routes compared on it, and a report."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
import tempfile
import time
import webbrowser
from pathlib import Path
from typing import Any

from nightseg_ros.bundle import default_models_dir, find_bundles
from nightseg_ros.cli import live, replay
from nightseg_ros.cli.demo_subject import SECONDS, Subject, recorded, rendered
from nightseg_ros.cli.engine_options import add_engine_options
from nightseg_ros.cli.sizes import image_size
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.stand_in import WARNING, write_stand_ins
from nightseg_ros.model_choice import choose_bundles
from nightseg_ros.routes import CHOICES

REPORT = "report.html"
PARTS = ("drive.mcap", "log", "replay.json", "replay.partial.jsonl", "frames.csv", "strip", REPORT)
"""What a demo writes, and what the next one into the same folder replaces."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add(
        "--out", type=Path, default=Path("demo_out"), help="folder of the report (default demo_out)"
    )
    own = parser.add_argument_group("your own recording")
    chosen = own.add_mutually_exclusive_group()
    chosen.add_argument("--bag", type=Path, help="a rosbag2 recording instead of the drive")
    chosen.add_argument("--video", type=Path, help="a video instead of the drive")
    own.add_argument("--topic", metavar="NAME", help="its camera topic (default: the first)")
    own.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        help=f"how much of it, from its start (default {SECONDS:g})",
    )
    drive = parser.add_argument_group("the rendered drive")
    drive.add_argument("--fps", type=float, default=10.0, help="images per second (default 10)")
    drive.add_argument(
        "--size", type=image_size, default=(360, 640), metavar="WxH", help="default 640x360"
    )
    drive.add_argument(
        "--seed", type=int, default=1, help="another seed, another street (default 1)"
    )
    add(
        "--frames",
        type=int,
        metavar="N",
        help="length of the drive (default 120), or how many frames of a recording are compared "
        "(default 200)",
    )
    add("--models", type=Path, metavar="DIR", help="models folder (default: the installed models)")
    add_engine_options(parser)
    add(
        "--route",
        choices=CHOICES,
        default="auto",
        help="route of the live run; offline all are compared (default auto)",
    )
    add("--runs", type=int, default=1, metavar="N", help="live runs (default 1)")
    add("--no-ros", action="store_true", help="compare the routes only, without ROS")
    add("--no-open", action="store_true", help="do not open the report in a browser")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Drive, compare, report."""
    if not args.no_ros and importlib.util.find_spec("rclpy") is None:
        raise NightsegError(
            "there is no ROS 2 here (no rclpy): use `make demo`, source the setup.bash of your "
            "ROS 2, pip install '.[ros,replay]', or run with --no-ros"
        )
    if args.frames is not None and args.frames < 1:
        raise NightsegError(f"--frames is {args.frames}; it must be at least 1")
    live.check_runs(args.runs)
    start_s = time.perf_counter()
    _clear(args.out)
    with tempfile.TemporaryDirectory(prefix="nightseg_demo_") as scratch:
        models, engine, warning = _models(args, Path(scratch))
        own = args.bag is not None or args.video is not None
        subject = recorded(args) if own else rendered(args)
        for note in subject.notes if own else ():
            print(f"nightseg demo: {note}", file=sys.stderr)
        offline = _offline(args, subject, models, engine, scored=not warning)
        measured = None if args.no_ros else _live(args, subject, offline)
        facts = {
            "title": subject.title,
            "notes": [
                *subject.notes,
                *([f"{warning[0].upper()}{warning[1:]}."] if warning else []),
            ],
            "live": measured,
        }
        result = replay.replay_bag(offline, subject.compared, facts)
    file = args.out / REPORT
    shown = not args.no_open and file.is_file() and _open(file)
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
        compared += " (time of a frame, mIoU; rendered frames say little of real roads)"
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


def _offline(
    args: argparse.Namespace, subject: Subject, models: Path, engine: str, *, scored: bool
) -> argparse.Namespace:
    """Return the options of the `nightseg replay` that compares all routes."""
    parser = argparse.ArgumentParser()
    replay.add_arguments(parser)
    words = [str(subject.path), "--out", str(args.out), "--topic", subject.camera]
    words += ["--route", "all", "--models", str(models), "--engine", engine]
    words += ["--threads", str(args.threads)]
    words += [f"--{name}" for name in ("require-gpu", "allow-build") if _given(args, name)]
    if subject.truth and scored:
        words += ["--gt", subject.truth]
    asked = parser.parse_args(words)
    for option in ("threads", "require_gpu", "allow_build"):
        setattr(asked, option, getattr(args, option))
    return asked


def _given(args: argparse.Namespace, option: str) -> bool:
    return bool(getattr(args, option.replace("-", "_")))


def _live(
    args: argparse.Namespace, subject: Subject, offline: argparse.Namespace
) -> dict[str, Any]:
    """Play the subject into the nodes."""
    asked = argparse.Namespace(**{**vars(offline), "route": args.route})
    measured = live.play(
        subject.played,
        [subject.camera],
        live.node_parameters(choose_bundles(offline.models), asked),
        transport=subject.transport,
        runs=args.runs,
        overlay=True,
        respect_domain=True,
        logs=args.out / "log",
    )
    return {**measured, "route": args.route}


def _models(args: argparse.Namespace, scratch: Path) -> tuple[Path, str, str]:
    """Return models folder, engine and a warning; without models the fake engine stands in."""
    folder = args.models or default_models_dir()
    if args.engine != "fake" and find_bundles(folder):
        return folder, args.engine, ""
    if args.models:
        raise NightsegError(f"there are no models in {folder}; name a folder with model folders")
    if args.engine not in ("auto", "fake"):
        raise NightsegError(f"engine '{args.engine}' needs models, and {folder} has none")
    print(f"nightseg demo: {WARNING}", file=sys.stderr)
    write_stand_ins(scratch)
    return scratch, "fake", WARNING


def _clear(out: Path) -> None:
    """Remove what an earlier demo left, and nothing else."""
    if out.exists() and not out.is_dir():
        raise NightsegError(f"--out {out} is a file; name a folder")
    foreign = sorted({path.name for path in out.iterdir()} - set(PARTS)) if out.exists() else []
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
    """Show the report where somebody sits in front of a screen."""
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(display and sys.stdout.isatty()) and webbrowser.open(file.resolve().as_uri())
