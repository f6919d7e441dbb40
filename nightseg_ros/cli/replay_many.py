# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg replay` with many bags: in processes of this machine or on a Ray cluster."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from nightseg_ros.bags.find import result_names
from nightseg_ros.bags.video import open_recording
from nightseg_ros.cli.options.fields import Group, option
from nightseg_ros.cli.progress import Progress
from nightseg_ros.cli.replay_bag import BagReplay, SentCount, replay_job, run_job
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import write_atomically
from nightseg_ros.files.json_file import to_json
from nightseg_ros.files.machine import cores
from nightseg_ros.files.sole_writer import sole_folder_writer
from nightseg_ros.replay.jobs import Outcome, Report, run_in_processes, run_on_ray
from nightseg_ros.replay.many import FILE, summarise
from nightseg_ros.replay.report import REPORT, write_replay_report
from nightseg_ros.replay.variants import ALL

if TYPE_CHECKING:
    from nightseg_ros.cli.options.replay import ReplayOptions
    from nightseg_ros.replay.outputs import ReplayJob

MANY = Group(
    "many bags",
    "each bag has a folder of its own in --out (--write is a file name there); called again, "
    "bags that are done are not replayed again, and one that was stopped goes on",
)


@dataclass(frozen=True, kw_only=True)
class ManyOptions:
    """How many bags are replayed."""

    jobs: int | None = option(
        "bags at a time, each in a process that gets its share of the cores (default 1)",
        None,
        metavar="N",
        group=MANY,
    )
    ray: str | None = option(
        "replay on this Ray cluster (auto finds the one of this machine); bags, models and "
        "--out must have the same paths on all machines, and nightseg_ros be installed there; each "
        "bag gets --threads cores (1), and with --require-gpu a GPU",
        None,
        metavar="ADDRESS",
        group=MANY,
    )

    @property
    def asked(self) -> bool:
        """Return whether this is for many bags, also where only one was found."""
        return self.jobs is not None or self.ray is not None


def replay_many(bags: Sequence[Path], options: ReplayOptions, many: ManyOptions) -> dict[str, Any]:
    """Replay all bags, write replays.json; a failed bag makes the exit code 2."""
    jobs = many.jobs or 0 if many.asked else 1
    if many.jobs is not None and many.jobs < 1:
        raise NightsegError(f"--jobs is {many.jobs}, need 1 or more")
    out, write = options.out, options.write
    if out is None:
        raise NightsegError("--out DIR is missing: the folder for the results of all bags")
    if write is not None and write.name != str(write):
        raise NightsegError(
            f"--write {write}: with many bags it is a file name, written into the folder of "
            "each bag"
        )
    route, _ = options.models.choose(options.route, every=options.route == ALL)
    folders = [out / name for name in result_names(bags)]
    shared = replace(
        options,
        route=route,
        engines=replace(options.engines, threads=_threads(options, many, jobs)),
    )
    parts = [
        BagReplay(bag, _for_bag(shared, folder)) for bag, folder in zip(bags, folders, strict=True)
    ]
    out.mkdir(parents=True, exist_ok=True)
    start_s = time.perf_counter()
    with Progress(None, "replay") as progress:
        if many.ray is not None:
            progress.total = len(bags)
            cores_each, gpus = max(1, options.engines.threads), int(options.engines.require_gpu)
            outcomes = run_on_ray(replay_part, parts, many.ray, jobs, cores=cores_each, gpus=gpus)
            found = _collect(outcomes, folders, lambda name: progress.advance(note=name))
        else:
            counter = _Frames(progress, len(bags))
            outcomes = run_in_processes(replay_part, parts, jobs, counter.steps)
            found = _collect(outcomes, folders, counter.end)
    rows = [
        {"bag": str(bag), "out": str(folder), **found[index]}
        for index, (bag, folder) in enumerate(zip(bags, folders, strict=True))
    ]
    result = {
        "out": str(out),
        "route": route,
        "jobs": jobs,
        "ray": many.ray,
        "seconds": time.perf_counter() - start_s,
        "report": str(out / REPORT),
        **summarise(rows),
    }
    write_atomically(out / FILE, (to_json(result) + "\n").encode())
    done = [Path(part["out"]) for part in rows if not part["error"]]
    failed = {part["bag"]: part["error"] for part in rows if part["error"]}
    write_replay_report(done, out / REPORT, failed=failed)
    return {**result, "exit_code": 2 if result["failed"] else 0}


def digest(key: Mapping[str, Any]) -> str:
    """Return a short form of what decides a result."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def replay_part(part: BagReplay, report: Report) -> dict[str, Any]:
    """Replay one of many bags, in a process of its own; what is done already is only read."""
    job = replay_job(open_recording(part.bag), part.options)
    key = digest({**job.key, "rounds": job.bootstrap})
    with sole_folder_writer(job.out):
        known = finished(job, key)
        if known is None and job.result_bag is not None:  # of another call in our own folder
            job.result_bag.unlink(missing_ok=True)
        if known is not None:
            return known
        with part.options.engines.running(job.bundles) as engines:
            return run_job(job, engines, {"key": key}, SentCount(report))


def finished(job: ReplayJob, key: str) -> dict[str, Any] | None:
    """Return the result in `job.out`, if an earlier call came to the end with the same key."""
    try:
        result = json.loads((job.out / "replay.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    written = job.result_bag is None or job.result_bag.is_file()
    same = isinstance(result, dict) and result.get("key") == key
    return {**result, "out": str(job.out)} if same and written else None


def _threads(options: ReplayOptions, many: ManyOptions, jobs: int) -> int:
    """Return the threads of the engines of one bag; jobs side by side share the cores."""
    if options.engines.threads:
        return options.engines.threads
    if many.ray is not None:
        return 1
    return max(1, cores() // jobs) if jobs > 1 else 0


def _for_bag(options: ReplayOptions, out: Path) -> ReplayOptions:
    """Return the options of one bag."""
    write = None if options.write is None else out / options.write
    return replace(options, out=out, write=write)


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
        """Record how far one bag is."""
        new = done - self._done.get(index, 0)
        self._done[index], self._totals[index] = done, max(total, done)
        self._progress.total = round(sum(self._totals.values()) / len(self._totals) * self._bags)
        self._progress.advance(new)

    def end(self, name: str) -> None:
        """Record that a bag is done."""
        self._progress.advance(0, f"{name} done")
