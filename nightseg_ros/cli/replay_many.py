# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg replay` with many bags: in processes of this machine or on a Ray cluster."""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, final

from nightseg_ros.atomic import write_atomically
from nightseg_ros.cli.plain import to_json
from nightseg_ros.cli.progress import Progress
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bags.find import result_names
from nightseg_ros.evaluation.replay.jobs import Outcome, Report, cores, run_in_processes
from nightseg_ros.evaluation.replay.many import FILE, sum_up
from nightseg_ros.evaluation.replay.ray_jobs import run_on_ray
from nightseg_ros.evaluation.replay.report import REPORT, write_replay_report


class FrameCount(Protocol):
    """What shows how far a replay is."""

    total: int | None

    def advance(self, steps: int = 1, note: str | None = None) -> None:
        """Count finished frames."""


@final
class SentCount:
    """Tells another process how far a replay is."""

    def __init__(self, report: Report) -> None:
        self.total: int | None = None
        self._report, self._done = report, 0

    def advance(self, steps: int = 1, note: str | None = None) -> None:
        """Count finished frames."""
        self._done += steps
        self._report(self._done, self.total or 0)


One = Callable[[Mapping[str, Any], Report], dict[str, Any]]
"""Replays one bag; takes the options of `nightseg replay` by name."""


def add_many_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that many bags bring."""
    group = parser.add_argument_group(
        "many bags",
        "each bag has a folder of its own in --out (--write is a file name there); called again, "
        "bags that are done are not replayed again, and one that was stopped goes on",
    )
    group.add_argument(
        "--jobs",
        type=int,
        default=None,
        metavar="N",
        help="bags at a time, each in a process that gets its share of the cores (default 1)",
    )
    group.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="replay on this Ray cluster (auto finds the one of this machine); bags, models and "
        "--out must have the same paths on all machines, and nightseg_ros be installed there; each "
        "bag gets --threads cores (1), and with --require-gpu a GPU",
    )


def many(args: argparse.Namespace, bags: Sequence[Path]) -> bool:
    """Tell whether this is for many bags, also where only one was found."""
    asked = args.jobs is not None or args.ray is not None
    return asked or len(args.bag) > 1 or len(bags) > 1 or bags[0] != args.bag[0]


def replay_many(args: argparse.Namespace, bags: Sequence[Path], one: One) -> dict[str, Any]:
    """Replay all bags with `one`, write replays.json; a failed bag makes the exit code 2."""
    jobs = 1 if args.jobs is None and args.ray is None else args.jobs or 0
    if args.jobs is not None and args.jobs < 1:
        raise NightsegError(f"--jobs is {args.jobs}, need 1 or more")
    if args.out is None:
        raise NightsegError("--out DIR is missing: the folder for the results of all bags")
    if args.write is not None and args.write.name != str(args.write):
        raise NightsegError(
            f"--write {args.write}: with many bags it is a file name, written into the folder of "
            "each bag"
        )
    folders = [args.out / name for name in result_names(bags)]
    options = [_options(args, *pair, jobs) for pair in zip(bags, folders, strict=True)]
    args.out.mkdir(parents=True, exist_ok=True)
    start_s = time.perf_counter()
    with Progress(None, "replay") as progress:
        if args.ray is not None:
            progress.total = len(bags)
            share = {"cores": max(1, args.threads), "gpus": int(args.require_gpu)}
            outcomes = run_on_ray(one, options, args.ray, jobs, **share)
            found = _collect(outcomes, folders, lambda name: progress.advance(note=name))
        else:
            counter = _Frames(progress, len(bags))
            outcomes = run_in_processes(one, options, jobs, counter.steps)
            found = _collect(outcomes, folders, counter.end)
    parts = [
        {"bag": str(bag), "out": str(folder), **found[index]}
        for index, (bag, folder) in enumerate(zip(bags, folders, strict=True))
    ]
    result = {
        "out": str(args.out),
        "route": args.route,
        "jobs": jobs,
        "ray": args.ray,
        "seconds": time.perf_counter() - start_s,
        "report": str(args.out / REPORT),
        **sum_up(parts),
    }
    write_atomically(args.out / FILE, (to_json(result) + "\n").encode())
    done = [Path(part["out"]) for part in parts if not part["error"]]
    failed = {part["bag"]: part["error"] for part in parts if part["error"]}
    write_replay_report(done, args.out / REPORT, failed=failed)
    return {**result, "exit_code": 2 if result["failed"] else 0}


def digest(key: Mapping[str, Any]) -> str:
    """Return a short form of what decides a result."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def finished(args: argparse.Namespace, key: str) -> dict[str, Any] | None:
    """Return the result in `args.out`, if an earlier call came to the end with the same key."""
    try:
        result = json.loads((args.out / "replay.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    written = args.write is None or args.write.is_file()
    same = isinstance(result, dict) and result.get("key") == key
    return {**result, "out": str(args.out)} if same and written else None


def _options(args: argparse.Namespace, bag: Path, out: Path, jobs: int) -> dict[str, Any]:
    """Return the options for one bag; engines of jobs side by side share the cores."""
    threads = args.threads
    if not threads and args.ray is not None:
        threads = 1
    elif not threads and jobs > 1:
        threads = max(1, cores() // jobs)
    write = None if args.write is None else out / args.write
    own = {"bag": [bag], "out": out, "write": write, "threads": threads}
    return {**vars(args), **own, "jobs": None, "ray": None}


def _collect(
    outcomes: Iterable[Outcome], folders: Sequence[Path], end: Callable[[str], None]
) -> dict[int, dict[str, Any]]:
    found = {}
    for outcome in outcomes:
        found[outcome.index] = {"result": outcome.value, "error": outcome.error}
        end(folders[outcome.index].name)
    return found


@final
class _Frames:
    """Shows the frames of all bags; bags that have not begun are taken to be like the others."""

    def __init__(self, progress: Progress, bags: int) -> None:
        self._progress, self._bags = progress, bags
        self._done: dict[int, int] = {}
        self._totals: dict[int, int] = {}

    def steps(self, index: int, done: int, total: int) -> None:
        """Take how far one bag is."""
        new = done - self._done.get(index, 0)
        self._done[index], self._totals[index] = done, max(total, done)
        self._progress.total = round(sum(self._totals.values()) / len(self._totals) * self._bags)
        self._progress.advance(new)

    def end(self, name: str) -> None:
        """Take that a bag is done."""
        self._progress.advance(0, f"{name} done")
