# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench node`: camera and node as two processes, and the overhead between them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.cli.bench_matrix import FULL, SHORT, measure_matrix, render_matrix
from nightseg_ros.cli.options.fields import option
from nightseg_ros.cli.progress import Progress
from nightseg_ros.engines.select import ENGINES
from nightseg_ros.errors import NightsegError

SECONDS, MATRIX_S = 20.0, 5.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg bench node`."""

    seconds: float | None = option("how long (default: 20; 5 for each cell of --matrix)", None)
    width: int = option("of the image (default: 1280)", 1280)
    height: int = option("of the image (default: 720)", 720)
    camera_hz: float = option("images per second (default: 10)", 10.0)
    engine: str = option(
        "engine; auto is the fake one where no models are installed (default: auto)",
        "auto",
        choices=ENGINES,
    )
    engine_delay_ms: float = option("use the fake engine and let a frame take this long", 0.0)
    models: str = option("models folder", "", metavar="FOLDER")
    matrix: str = option(
        "measure a table of loads: 1 to 30 cameras, 10 to 60 Hz, 480p to 4K, raw and JPEG; short "
        "varies one of them at a time, four minutes; full is every combination, half an hour",
        "",
        choices=(SHORT, FULL),
        nargs="?",
        const=SHORT,
    )
    out: Path | None = option(
        "write report, JSON and CSV of --matrix into this folder", None, metavar="FOLDER"
    )


def run(options: Options) -> dict[str, object]:
    """Measure."""
    seconds = options.seconds
    if seconds is None:
        seconds = MATRIX_S if options.matrix else SECONDS
    if (
        min(seconds, options.width, options.height, options.camera_hz) <= 0
        or options.engine_delay_ms < 0
    ):
        raise NightsegError("seconds, width, height and camera-hz must be positive numbers")
    from nightseg_ros.trials.bench_node import Plan, measure

    asked = {key: value for key, value in vars(options).items() if key not in ("matrix", "out")}
    plan = Plan(**{**asked, "seconds": seconds})
    if options.matrix:
        return measure_matrix(plan, options.matrix, options.out)
    with Progress(int(seconds), "seconds") as progress:
        result: dict[str, object] = measure(plan, lambda _: progress.advance())
    return {"bench": "node", **result}


def render(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    if result["bench"] == "matrix":
        return render_matrix(result)
    lines = [
        f"{result['image']}, engine {result['engine']} ({result['provider']}), "
        f"{result['seconds']:g} s; {result['transport']}",
        "",
        f"{'ms':<12}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}",
    ]
    for name, row in result["milliseconds"].items():
        values = "".join(f"{row[key]:9.2f}" for key in ("p50", "p95", "p99", "max"))
        lines.append(f"{name:<12}{values}")
    exact = "exact" if result["account_exact"] else "NOT EXACT"
    lines += [
        "",
        "overhead: receipt of the image to publication of its mask, less the engine",
        "age: stamp of the image to publication; latency: until the mask is back at the camera",
        *_freshness(result),
        f"frames: {result['sent']} sent, {result['received']} received = "
        f"{result['published']} published + {result['dropped']} dropped + "
        f"{result['rejected']} rejected + {result['in_flight']} in flight ({exact}); "
        f"{result['lost_by_middleware']} lost by the middleware, {result['masks_back']} masks back",
        f"node: {100 * result['node_cpu']:.0f} % of one core{_memory(result)}",
    ]
    return "\n".join(lines)


def _freshness(result: dict[str, Any]) -> list[str]:
    """Return the largest age in engine times, where the engine takes a millisecond or more."""
    if result["engine_ms"] < 1.0:
        return []
    times = result["largest_age_in_engine_times"]
    return [f"largest age: {times:.2f} engine times of {result['engine_ms']:.1f} ms"]


def _memory(result: dict[str, Any]) -> str:
    megabytes = result.get("node_memory_mb")
    return "" if megabytes is None else f", {megabytes:.0f} MB at most"
