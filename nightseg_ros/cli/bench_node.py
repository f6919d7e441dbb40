# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench node`: camera and node as two processes, and what lies between them."""

from __future__ import annotations

import argparse
from typing import Any

from nightseg_ros.cli.progress import Progress
from nightseg_ros.engines.select import ENGINES
from nightseg_ros.errors import NightsegError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this measurement."""
    parser.add_argument("--seconds", type=float, default=20.0, help="how long (default: 20)")
    parser.add_argument("--width", type=int, default=1280, help="of the image (default: 1280)")
    parser.add_argument("--height", type=int, default=720, help="of the image (default: 720)")
    parser.add_argument(
        "--camera-hz", type=float, default=10.0, help="images per second (default: 10)"
    )
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="auto",
        help="engine; auto is the fake one where no models are installed (default: auto)",
    )
    parser.add_argument(
        "--engine-delay-ms",
        type=float,
        default=0.0,
        help="take the fake engine and let it need this long",
    )
    parser.add_argument("--models", default="", metavar="FOLDER", help="models folder")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Measure."""
    if min(args.seconds, args.width, args.height, args.camera_hz) <= 0 or args.engine_delay_ms < 0:
        raise NightsegError("seconds, width, height and camera-hz must be positive numbers")
    from nightseg_ros.ros.bench_node import Plan, measure

    plan = Plan(
        seconds=args.seconds,
        width=args.width,
        height=args.height,
        camera_hz=args.camera_hz,
        engine=args.engine,
        engine_delay_ms=args.engine_delay_ms,
        models_dir=args.models,
    )
    with Progress(int(args.seconds), "seconds") as progress:
        result: dict[str, object] = measure(plan, lambda _: progress.advance())
    return result


def render(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    lines = [
        f"{result['image']}, engine {result['engine']} ({result['provider']}), "
        f"{result['seconds']:g} s; {result['transport']}",
        "",
        f"{'ms':<12}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}",
    ]
    for name, row in result["milliseconds"].items():
        values = "".join(f"{row[key]:9.2f}" for key in ("p50", "p95", "p99", "largest"))
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
    """Return the largest age in engine times, where the engine takes time worth naming."""
    if result["engine_ms"] < 1.0:
        return []
    times = result["largest_age_in_engine_times"]
    return [f"largest age: {times:.2f} engine times of {result['engine_ms']:.1f} ms"]


def _memory(result: dict[str, Any]) -> str:
    megabytes = result.get("node_memory_mb")
    return "" if megabytes is None else f", {megabytes:.0f} MB at most"
