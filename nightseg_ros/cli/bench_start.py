# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench start`: cold starts of the node, each until its models are loaded and warm."""

from __future__ import annotations

import argparse
from typing import Any

from nightseg_ros.cli.progress import Progress
from nightseg_ros.engines.kinds import KINDS
from nightseg_ros.engines.select import ENGINES
from nightseg_ros.errors import NightsegError

GOAL_S = 3.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this measurement."""
    add = parser.add_argument
    add("--runs", type=int, default=10, metavar="N", help="starts of each engine (default: 10)")
    add(
        "--engine",
        nargs="+",
        choices=ENGINES,
        metavar="NAME",
        help="engines to start the node with (default: all whose libraries are here)",
    )
    add("--threads", type=int, default=0, metavar="N", help="engine threads; 0: one per core")
    add("--models", default="", metavar="FOLDER", help="models folder")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Start the node again and again."""
    if args.runs < 1:
        raise NightsegError(f"--runs is {args.runs}; it must be at least 1")
    from nightseg_ros.ros.bench_start import Starts, measure

    engines = args.engine or [
        kind.name for kind in KINDS.values() if kind.name != "fake" and not kind.why_not()
    ]
    plan = Starts(tuple(engines), args.runs, args.models, args.threads)
    with Progress(len(engines) * args.runs, "starts") as progress:
        rows = measure(plan, lambda engine: progress.advance(note=engine))
    measured = [row for row in rows if not row["problem"]]
    if not measured:
        raise NightsegError(f"no start worked: {rows[0]['engine']}: {rows[0]['problem']}")
    largest_s = max(row["largest_s"] for row in measured)
    return {"rows": rows, "largest_s": largest_s, "goal_s": GOAL_S, "met": largest_s < GOAL_S}


def render(result: dict[str, Any]) -> str:
    """Return a line for each engine, with every start."""
    lines = []
    for row in result["rows"]:
        if row["problem"]:
            lines += [f"{row['engine']:<22}not measured: {row['problem']}", ""]
            continue
        starts = " ".join(f"{seconds:.2f}" for seconds in row["seconds"])
        lines += [
            f"{row['engine']:<22}median {row['median_s']:.2f} s, largest {row['largest_s']:.2f} s, "
            f"processor time {row['median_cpu_s']:.2f} s",
            f"{'':<22}{starts}",
            f"{'':<22}{row['loaded']}",
            "",
        ]
    verdict = "met" if result["met"] else "MISSED"
    return "\n".join(
        [
            *lines,
            "seconds from the start of the process to the node configured, models warm",
            f"largest: {result['largest_s']:.2f} s; goal under {result['goal_s']:g} s: {verdict}",
        ]
    )
