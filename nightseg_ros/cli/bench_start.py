# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench start`: cold starts of the node, each until its models are loaded and warm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nightseg_ros.cli.options.fields import option
from nightseg_ros.cli.progress import Progress
from nightseg_ros.engines.kinds import KINDS
from nightseg_ros.engines.select import ENGINES
from nightseg_ros.errors import NightsegError

GOAL_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg bench start`."""

    runs: int = option("starts of each engine (default: 10)", 10, metavar="N")
    engine: tuple[str, ...] | None = option(
        "engines to start the node with (default: all whose libraries are here)",
        None,
        choices=ENGINES,
        metavar="NAME",
        nargs="+",
    )
    threads: int = option("engine threads; 0: one per core", 0, metavar="N")
    models: str = option("models folder", "", metavar="FOLDER")


def run(options: Options) -> dict[str, object]:
    """Start the node again and again."""
    if options.runs < 1:
        raise NightsegError(f"--runs is {options.runs}; it must be at least 1")
    from nightseg_ros.trials.bench_start import Starts, measure

    engines = options.engine or [
        kind.name for kind in KINDS.values() if kind.name != "fake" and not kind.why_not()
    ]
    plan = Starts(tuple(engines), options.runs, options.models, options.threads)
    with Progress(len(engines) * options.runs, "starts") as progress:
        rows = measure(plan, lambda engine: progress.advance(note=engine))
    measured = [row for row in rows if not row["problem"]]
    if not measured:
        raise NightsegError(f"no start worked: {rows[0]['engine']}: {rows[0]['problem']}")
    largest_s = max(row["largest_s"] for row in measured)
    return {
        "bench": "start",
        "rows": rows,
        "largest_s": largest_s,
        "goal_s": GOAL_S,
        "met": largest_s < GOAL_S,
    }


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
