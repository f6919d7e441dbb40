# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg soak`: the rendered drive through a real graph for hours, to see what grows."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.bundles.models_folder import default_models_dir, find_bundles
from nightseg_ros.cli.options.fields import option
from nightseg_ros.cli.options.values import image_size
from nightseg_ros.cli.progress import Progress, track
from nightseg_ros.drive.render import Renderer
from nightseg_ros.engines.select import ENGINES
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import scratch_folder
from nightseg_ros.trials.soak_figures import conclude
from nightseg_ros.trials.stand_in import write_stand_ins


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg soak`."""

    hours: float = option("how long (default 0.05, three minutes)", 0.05)
    cameras: int = option("how many (default 4)", 4)
    hz: float = option("images per second and camera (default 10)", 10.0)
    frames: int = option("length of the drive that goes round (default 60)", 60)
    size: tuple[int, int] = option("default 640x360", (360, 640), parse=image_size, metavar="WxH")
    engine: str = option("engine (default auto)", "auto", choices=ENGINES)
    models: Path | None = option(
        "models folder (default: the installed models)", None, metavar="DIR"
    )
    threads: int = option("CPU threads of an engine (default: one per core)", 0)


def run(options: Options) -> dict[str, object]:
    """Render, play, conclude."""
    if min(options.hours, options.cameras, options.hz, options.frames) <= 0:
        raise NightsegError("hours, cameras, hz and frames must be positive numbers")
    from nightseg_ros.trials.soak import SoakPlan, serialised, soak

    # SIGTERM concludes as Ctrl-C does, with the node stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    height, width = options.size
    renderer = Renderer(1, options.frames, (width, height), options.hz)
    frames = serialised(
        renderer.frame(index).image_bgr for index in track(range(options.frames), "drive")
    )
    with scratch_folder("soak") as scratch:
        models, engine = options.models or default_models_dir(), options.engine
        if engine == "fake" or (engine == "auto" and not find_bundles(models)):
            models, engine = scratch, "fake"
            write_stand_ins(models)
        parameters = {"models_dir": str(models), "engine": engine, "threads": options.threads}
        plan = SoakPlan(options.hours * 3600.0, options.cameras, options.hz, parameters)
        with Progress(int(plan.seconds), "seconds") as progress:
            record = soak(frames, plan, lambda _: progress.advance())
    figures = conclude(record)
    return {
        "engine": engine,
        "cameras": options.cameras,
        "hz": options.hz,
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
