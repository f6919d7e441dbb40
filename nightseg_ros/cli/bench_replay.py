# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench replay`: how busy a replay keeps the engine, and how much memory it takes."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nightseg_ros.cli import replay
from nightseg_ros.cli.engine_options import add_engine_options
from nightseg_ros.cli.progress import Progress
from nightseg_ros.cli.replay_many import SentCount
from nightseg_ros.cli.sizes import image_size
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bags.long import LongBag, LongDrive
from nightseg_ros.evaluation.bags.video import open_recording
from nightseg_ros.evaluation.memory import peak_memory
from nightseg_ros.evaluation.replay.jobs import Report, run_in_processes
from nightseg_ros.evaluation.replay.variants import ALL
from nightseg_ros.routes import CHOICES

SHARE_GOAL = 0.9
MEMORY_GOAL = 1.5e9
FAKE = "fake"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this measurement."""
    add = parser.add_argument
    add(
        "--minutes",
        type=float,
        default=10.0,
        help="length of the bag (default: 10); a tenth of it tells the engine share as well, and "
        "--engine fake, which takes no time, the memory",
    )
    add(
        "--size",
        type=image_size,
        default=(720, 1280),
        metavar="WxH",
        help="of the images (default: 1280x720)",
    )
    add("--fps", type=float, default=30.0, help="images per second of the bag (default: 30)")
    add("--raw", action="store_true", help="raw images, not JPEG: 83 MB for a second of 720p")
    add(
        "--route",
        choices=(*CHOICES, ALL),
        default="day",
        help="as in nightseg replay (default: day, so that one network is measured)",
    )
    add_engine_options(parser)
    add("--models", type=Path, metavar="DIR", help="models folder (default: the installed models)")
    add("--model", action="append", default=[], metavar="NAME", help="use this model; repeatable")
    add("--scratch", type=Path, metavar="DIR", help="where the bag is made and removed again")
    add(
        "--max-disk-gb",
        type=float,
        default=8.0,
        metavar="GB",
        help="refuse a larger bag (default: 8; the 10 minutes take about 3)",
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Make the bag, replay it in a process of its own, remove it."""
    frames = round(args.minutes * 60 * args.fps)
    if frames < 1 or args.fps <= 0:
        raise NightsegError(f"{args.minutes:g} minutes at {args.fps:g} Hz are no frame")
    height, width = args.size
    drive = LongDrive(frames, width, height, args.fps, raw=args.raw)
    with tempfile.TemporaryDirectory(prefix="nightseg_bench_", dir=args.scratch) as folder:
        bag = Path(folder) / "long.mcap"
        made = min(drive.distinct, frames) + frames
        with Progress(made, "bag") as shown, LongBag(bag, drive, args.max_disk_gb * 1e9) as writer:
            size = writer.fill(lambda what: shown.advance(note=what))
        figures = _replayed(args, bag, Path(folder) / "out", frames)
    return {
        "size": f"{width}x{height}",
        "fps": args.fps,
        "minutes": args.minutes,
        "distinct_frames": min(drive.distinct, frames),
        "images": "raw" if args.raw else "JPEG",
        "bag_bytes": size,
        "goals": {"engine_share": SHARE_GOAL, "peak_memory_bytes": MEMORY_GOAL},
        **figures,
    }


def measure(options: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Replay in this process, and tell what it took."""
    args = argparse.Namespace(**options)
    found: Any = replay.replay_bag(args, open_recording(args.bag[0]), None, SentCount(report))
    engines = {
        f"{info['backend']} ({info['provider']}, {info['precision']})"
        for info in found["engines"].values()
    }
    share = None if args.engine == FAKE else found["engine_share"]
    variant = next(iter(found["variants"].values()))
    kept = ("frames", "failed", "models", "route", "seconds", "frames_per_s")
    return {
        **{name: found[name] for name in kept},
        "engine": ", ".join(sorted(engines)),
        "engine_share": share,
        "engine_ms": variant["engine_ms"],
        "stages_mean_ms": variant["stages_mean_ms"],
        "peak_memory_bytes": peak_memory(),
    }


def render(result: dict[str, Any]) -> str:
    """Return the figures as text."""
    share, peak = result["engine_share"], result["peak_memory_bytes"]
    models = ", ".join(f"{name} ({role})" for role, name in result["models"].items())
    stages = ", ".join(f"{name} {ms:.1f}" for name, ms in result["stages_mean_ms"].items())
    lines = [
        f"bag           {result['frames']} frames {result['size']}, {result['minutes']:g} minutes "
        f"at {result['fps']:g} Hz, {result['images']}, {result['bag_bytes'] / 1e9:.2f} GB "
        f"({result['distinct_frames']} rendered frames, repeated)",
        f"engine        {result['engine']}; {models}, route {result['route']}",
        f"speed         {result['frames_per_s']:.1f} frames/s, {result['seconds']:.0f} s",
        f"stages in ms  {stages}",
        "engine share  not measured with the fake engine"
        if share is None
        else f"engine share  {100 * share:.1f} % of the time "
        f"({_goal(share >= SHARE_GOAL, f'at least {100 * SHARE_GOAL:.0f} %')})",
        "peak memory   not told by this system"
        if peak is None
        else f"peak memory   {peak / 1e6:.0f} MB "
        f"({_goal(peak < MEMORY_GOAL, f'under {MEMORY_GOAL / 1e6:.0f} MB in 10 minutes')})",
    ]
    return "\n".join(lines)


def _goal(met: bool, what: str) -> str:
    return f"goal {what}: {'met' if met else 'MISSED'}"


def _replayed(args: argparse.Namespace, bag: Path, out: Path, frames: int) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    replay.add_arguments(parser)
    options = vars(parser.parse_args([str(bag), "--out", str(out)]))
    options |= {name: vars(args)[name] for name in options if name in vars(args)}
    options |= {"bag": [bag], "out": out}
    done = 0
    with Progress(frames, "replay") as shown:

        def steps(_: int, now: int, __: int) -> None:
            nonlocal done
            shown.advance(now - done)
            done = now

        (outcome,) = run_in_processes(measure, [options], 1, steps)
    if outcome.error:
        raise NightsegError(outcome.error)
    result: dict[str, Any] = outcome.value
    return result
