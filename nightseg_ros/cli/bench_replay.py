# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench replay`: how busy a replay keeps the engine, and how much memory it takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.bags.video import open_recording
from nightseg_ros.bundles.routes import CHOICES
from nightseg_ros.cli.options.fields import flag, nested, option
from nightseg_ros.cli.options.models import EngineOptions, ModelOptions
from nightseg_ros.cli.options.replay import ReplayOptions
from nightseg_ros.cli.options.values import image_size
from nightseg_ros.cli.progress import Progress
from nightseg_ros.cli.replay_bag import BagReplay, SentCount, replay_job, run_job
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import scratch_folder
from nightseg_ros.replay.jobs import Report, run_in_processes
from nightseg_ros.replay.variants import ALL
from nightseg_ros.trials.long_bag import LongBag, LongDrive
from nightseg_ros.trials.memory import peak_memory

SHARE_GOAL = 0.9
MEMORY_GOAL = 1.5e9
FAKE = "fake"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg bench replay`."""

    minutes: float = option(
        "length of the bag (default: 10); a tenth of it gives the engine share as well, and "
        "--engine fake, which takes no time, the memory",
        10.0,
    )
    size: tuple[int, int] = option(
        "of the images (default: 1280x720)", (720, 1280), parse=image_size, metavar="WxH"
    )
    fps: float = option("images per second of the bag (default: 30)", 30.0)
    raw: bool = flag("raw images, not JPEG: 83 MB for a second of 720p")
    route: str = option(
        "as in nightseg replay (default: day, so that one network is measured)",
        "day",
        choices=(*CHOICES, ALL),
    )
    engines: EngineOptions = nested(EngineOptions)
    models: ModelOptions = nested(ModelOptions)
    scratch: Path | None = option("where the bag is made and removed again", None, metavar="DIR")
    max_disk_gb: float = option(
        "refuse a larger bag (default: 8; the 10 minutes take about 3)", 8.0, metavar="GB"
    )


def run(options: Options) -> dict[str, object]:
    """Make the bag, replay it in a process of its own, remove it."""
    frames = round(options.minutes * 60 * options.fps)
    if frames < 1 or options.fps <= 0:
        raise NightsegError(f"{options.minutes:g} minutes at {options.fps:g} Hz are no frame")
    height, width = options.size
    drive = LongDrive(frames, width, height, options.fps, raw=options.raw)
    with scratch_folder("bench", options.scratch) as folder:
        bag = folder / "long.mcap"
        made = min(drive.distinct, frames) + frames
        with (
            Progress(made, "bag") as shown,
            LongBag(bag, drive, options.max_disk_gb * 1e9) as writer,
        ):
            size = writer.fill(lambda what: shown.advance(note=what))
        asked = ReplayOptions(
            out=folder / "out", route=options.route, engines=options.engines, models=options.models
        )
        figures = _replayed(BagReplay(bag, asked), frames)
    return {
        "bench": "replay",
        "size": f"{width}x{height}",
        "fps": options.fps,
        "minutes": options.minutes,
        "distinct_frames": min(drive.distinct, frames),
        "images": "raw" if options.raw else "JPEG",
        "bag_bytes": size,
        "goals": {"engine_share": SHARE_GOAL, "peak_memory_bytes": MEMORY_GOAL},
        **figures,
    }


def measure(asked: BagReplay, report: Report) -> dict[str, Any]:
    """Replay in this process, and return what it took."""
    job = replay_job(open_recording(asked.bag), asked.options)
    with asked.options.engines.running(job.bundles) as running:
        found: Any = run_job(job, running, progress=SentCount(report))
    engines = {
        f"{info['backend']} ({info['provider']}, {info['precision']})"
        for info in found["engines"].values()
    }
    share = None if asked.options.engines.engine == FAKE else found["engine_share"]
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
        "peak memory   not known on this system"
        if peak is None
        else f"peak memory   {peak / 1e6:.0f} MB "
        f"({_goal(peak < MEMORY_GOAL, f'under {MEMORY_GOAL / 1e6:.0f} MB in 10 minutes')})",
    ]
    return "\n".join(lines)


def _goal(met: bool, what: str) -> str:
    return f"goal {what}: {'met' if met else 'MISSED'}"


def _replayed(asked: BagReplay, frames: int) -> dict[str, Any]:
    done = 0
    with Progress(frames, "replay") as shown:

        def steps(_: int, now: int, __: int) -> None:
            nonlocal done
            shown.advance(now - done)
            done = now

        (outcome,) = run_in_processes(measure, [asked], 1, steps)
    if outcome.error:
        raise NightsegError(outcome.error)
    result: dict[str, Any] = outcome.value
    return result
