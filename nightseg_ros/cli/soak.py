# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg soak`: the rendered drive through a real graph for hours, to see what grows."""

from __future__ import annotations

import argparse
import signal
import tempfile
from pathlib import Path
from typing import Any

from nightseg_ros.bundle import default_models_dir, find_bundles
from nightseg_ros.cli.progress import Progress, track
from nightseg_ros.cli.sizes import image_size
from nightseg_ros.drive.render import Renderer
from nightseg_ros.engines.select import ENGINES
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.soak_figures import conclude
from nightseg_ros.evaluation.stand_in import write_stand_ins


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--hours", type=float, default=0.05, help="how long (default 0.05, three minutes)")
    add("--cameras", type=int, default=4, help="how many (default 4)")
    add("--hz", type=float, default=10.0, help="images per second and camera (default 10)")
    add("--frames", type=int, default=60, help="length of the drive that goes round (default 60)")
    add("--size", type=image_size, default=(360, 640), metavar="WxH", help="default 640x360")
    add("--engine", choices=ENGINES, default="auto", help="engine (default auto)")
    add("--models", type=Path, metavar="DIR", help="models folder (default: the installed models)")
    add("--threads", type=int, default=0, help="CPU threads of an engine (default: one per core)")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Render, play, conclude."""
    if min(args.hours, args.cameras, args.hz, args.frames) <= 0:
        raise NightsegError("hours, cameras, hz and frames must be positive numbers")
    from nightseg_ros.ros.soak import SoakPlan, serialised, soak

    # Told to stop by whoever started us: conclude as after Ctrl-C, with the node stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    height, width = args.size
    renderer = Renderer(1, args.frames, (width, height), args.hz)
    frames = serialised(
        renderer.frame(index).image_bgr for index in track(range(args.frames), "drive")
    )
    with tempfile.TemporaryDirectory(prefix="nightseg_soak_") as scratch:
        models, engine = args.models or default_models_dir(), args.engine
        if engine == "fake" or (engine == "auto" and not find_bundles(models)):
            models, engine = Path(scratch), "fake"
            write_stand_ins(models)
        parameters = {"models_dir": str(models), "engine": engine, "threads": args.threads}
        plan = SoakPlan(args.hours * 3600.0, args.cameras, args.hz, parameters)
        with Progress(int(plan.seconds), "seconds") as progress:
            record = soak(frames, plan, lambda _: progress.advance())
    figures = conclude(record)
    return {
        "engine": engine,
        "cameras": args.cameras,
        "hz": args.hz,
        "size": f"{width}x{height}",
        **figures,
        "exit_code": 1 if figures["broken"] else 0,
    }


def render(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    account = result["account"]
    p99, seconds = result["latency_p99_ms"], result["seconds"]
    rows = {
        "frames": f"{result['sent']} sent, {result['masks']} masks back",
        "account": ", ".join(f"{count} {key}" for key, count in account.items()) or "not known",
        "p99 latency": f"{_ms(p99['first_tenth'])} in the first tenth, "
        f"{_ms(p99['last_tenth'])} in the last",
        "memory": _growth(result["memory_mb"]),
        "shared memory": _growth(result["shared_memory_mb"]),
        "threads": " -> ".join(map(str, result["threads"])),
        "open files": " -> ".join(map(str, result["files"])),
    }
    lines = [
        f"{result['cameras']} cameras of {result['size']} at {result['hz']:g} Hz for "
        f"{seconds / 3600:.2f} h, engine {result['engine']}",
        "",
        *(f"{name:<15}{text}" for name, text in rows.items()),
        "",
        *(f"BROKEN: {text}" for text in result["broken"]),
    ]
    return "\n".join(lines if result["broken"] else [*lines, "every promise was kept"])


def _growth(memory: dict[str, Any]) -> str:
    return (
        f"{_mb(memory['after_warm_up'])} after warm-up, {_mb(memory['at_end'])} at the end; "
        f"{memory['per_million_frames']:+.1f} ± {memory['uncertainty']:.1f} MB per million frames"
    )


def _ms(value: float | None) -> str:
    return "no frame" if value is None else f"{value:.1f} ms"


def _mb(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.1f} MB"
