# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg demo`: a rendered drive through a real ROS graph (or none), and a report about it."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import webbrowser
from pathlib import Path
from typing import Any

from nightseg_ros.bundle import default_models_dir, find_bundles
from nightseg_ros.cli.demo_runs import with_ros, without_ros
from nightseg_ros.cli.plain import to_json
from nightseg_ros.cli.sizes import image_size
from nightseg_ros.drive.folder import stored_frames
from nightseg_ros.engines.select import ENGINES
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.demo_report import page
from nightseg_ros.evaluation.stand_in import WARNING, write_stand_ins

PARTS = ("drive", "masks", "overlays", "log", "report.json", "report.html")
"""What a demo writes, and what the next one into the same folder replaces."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add(
        "--out", type=Path, default=Path("demo_out"), help="folder of the report (default demo_out)"
    )
    add("--frames", type=int, default=120, help="length of the drive (default 120)")
    add("--fps", type=float, default=10.0, help="images per second (default 10)")
    add("--size", type=image_size, default=(360, 640), metavar="WxH", help="default 640x360")
    add("--seed", type=int, default=1, help="another seed, another street (default 1)")
    add("--models", type=Path, metavar="DIR", help="models folder (default: the installed models)")
    add("--engine", choices=ENGINES, default="auto", help="engine (default auto)")
    add(
        "--route",
        choices=("auto", "day", "night", "translate"),
        default="auto",
        help="route of every frame (default auto)",
    )
    add("--no-ros", action="store_true", help="run the pipeline in this process, without ROS")
    add("--no-open", action="store_true", help="do not open the report in a browser")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Drive, record, report."""
    if not args.no_ros and importlib.util.find_spec("rclpy") is None:
        raise NightsegError(
            "there is no ROS 2 here (no rclpy): use `make demo`, source the setup.bash of your "
            "ROS 2, pip install '.[ros]', or run with --no-ros"
        )
    start_s = time.perf_counter()
    out: Path = args.out
    _clear(out)
    # Told to stop by whoever started us: leave as after Ctrl-C, with the nodes stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="nightseg_demo_") as scratch:
        models, engine, warning = _models(args, Path(scratch))
        if args.no_ros:
            report, recorder = without_ros(args, models, engine)
        else:
            report, recorder = with_ros(args, models, engine)
    frames = stored_frames(out / "drive")
    summary = recorder.summary()
    if not summary["masks"]:
        raise NightsegError(f"no mask came back; see the logs in {out / 'log'}")
    report |= {
        "warning": warning,
        "summary": summary,
        "score": None if warning else recorder.score([frame.labels for frame in frames]),
        "images": [str(frame.image.relative_to(out)) for frame in frames],
        "seconds": time.perf_counter() - start_s,
    }
    (out / "report.json").write_text(to_json(report) + "\n", encoding="utf-8")
    file = out / "report.html"
    file.write_text(page(json.loads(to_json(report)), out, recorder.labels), encoding="utf-8")
    shown = not args.no_open and _open(file)
    return {**report, "report": str(file), "opened": shown}


def render(result: dict[str, Any]) -> str:
    """Return five lines and the path of the report."""
    summary, score = result["summary"], result["score"]
    latency, rate = summary["latency_ms"], summary["masks_per_s"] or 0.0
    routes = ", ".join(f"{count} {route}" for route, count in summary["routes"].items())
    last = f"note     {result['warning']}"
    if score:
        share = f"{100 * score['miou']['all']:.1f} % mIoU"
        last = f"score    {share} on these rendered frames; real roads are another matter"
    return "\n".join(
        [
            f"masks    {summary['masks']} of {summary['sent']} frames, {rate:.1f} per second; "
            f"{summary['overlays']} overlays",
            f"latency  image to mask {latency['p50']:.0f} ms (median), "
            f"{latency['p95']:.0f} ms (95 %), {latency['max']:.0f} ms (largest)",
            f"route    {routes or 'unknown'}; {summary['route_changes']} changes",
            f"models   {result['facts'].get('models') or 'unknown'}",
            last,
            f"report   {result['report']}  ({result['seconds']:.0f} s in all)",
        ]
    )


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
