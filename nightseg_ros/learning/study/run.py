# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Running a study: every step once, in an order in which each finds what it builds on.

What is finished is not done again, so a stopped study goes on where it was. Steps that do not wait
for each other run side by side where there are several jobs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, redirect_stdout
from functools import partial
from graphlib import TopologicalSorter
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.json_file import read_json, write_json
from nightseg_ros.learning.config import as_plain, build
from nightseg_ros.learning.input_digests import input_digests
from nightseg_ros.learning.run_record import clear
from nightseg_ros.learning.study.description import (
    EvaluationSet,
    Study,
    Task,
    Way,
    step_task,
    tasks_of,
)
from nightseg_ros.learning.study.measure import measure_row
from nightseg_ros.learning.study.plots import draw
from nightseg_ros.learning.study.results import (
    ALL,
    Measured,
    keep_counts,
    lines_of,
    read_counts,
    write_lines,
)
from nightseg_ros.learning.study.steps import Place, Train, make_step, run_step
from nightseg_ros.learning.train import FAST

COUNTS, ABOUT = "counts.npz", "row.json"
AGAIN = "delete it to have it measured again"


def run_study(
    study: Study,
    out: Path,
    data: str,
    *,
    rows: Collection[str] = (),
    jobs: int = 1,
    resume: bool = True,
    fast_dev_run: bool = False,
) -> dict[str, Any]:
    """Do what is missing of some rows or of all, and write OUT/NAME.csv and OUT/NAME.png.

    With `fast_dev_run` every step is tried with the first seed in a folder below `out`.
    """
    if unknown := set(rows) - set(study.rows):
        raise NightsegError(
            f"study {study.name}: row '{sorted(unknown)[0]}' is unknown; there are "
            f"{', '.join(study.rows)}"
        )
    if jobs < 1:
        raise NightsegError(f"--jobs is {jobs}; use 1 or more")
    if fast_dev_run:
        out = out / FAST
    if fast_dev_run or not resume:
        clear(out)
    chosen = [row for row in study.rows if not rows or row in rows or row == study.base]
    graph = tasks_of(study, chosen, study.seeds[:1] if fast_dev_run else study.seeds)
    perform = partial(do_task, study, out, data, fast_dev_run)
    results = out / f"{study.name}.csv"
    done = 0
    try:
        for task, note in _in_order(graph, perform, jobs):
            done += 1
            where = task.name if task.seed is None else f"{task.name}, seed {task.seed}"
            text = f"study {study.name} {done}/{len(graph)}: {where}{note}"
            print(text, file=sys.stderr, flush=True)
    finally:  # a study that was stopped shows the rows that it has
        lines = lines_of(study, _measured(study, out, graph))
        if lines:
            write_lines(results, lines)
            draw(study, lines, out / f"{study.name}.png")
    return {
        "results": str(results),
        "figures": {f"{x['row']}, {x['set']}": x["value"] for x in lines if x["seed"] == ALL},
        "tasks": len(graph),
    }


def do_task(study: Study, out: Path, data: str, fast: bool, task: Task) -> str:
    """Do one step, or measure one row, unless it is done; return what to log."""
    folder = out / task.folder
    of_step = partial(_place, study, out, task)
    with redirect_stdout(sys.stderr):  # Lightning's bars; stdout is for the result alone
        where = f"study {study.name}: {task.name}"
        if task.is_row:
            way = build(Way, study.fill(study.way(task.name), of_step, task.seed), where)
            sets = _sets(study, of_step, task.seed)
            return _measure(study, way, sets, folder, data, _scale(study, task, of_step))
        values = study.fill(study.steps[task.name], of_step, task.seed)
        run_step(make_step(values, where), Place(folder, task.seed or 0, data, fast))
    return ""


def _measure(
    study: Study, way: Way, sets: dict[str, EvaluationSet], folder: Path, data: str, scale: str
) -> str:
    """Measure a row, or keep what was measured of the same networks on the same sets."""
    texts = {f"{name}.{key}": x for name, one in sets.items() for key, x in vars(one).items()}
    inputs = input_digests({**vars(way), **texts}, data)
    about = as_plain({"way": way, "sets": sets, "inputs": inputs})
    kept = read_json(folder / ABOUT, AGAIN)
    if kept is None or kept["about"] != about or not (folder / COUNTS).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        shown = {name: one for name, one in sets.items() if one.data}
        keep_counts(folder / COUNTS, measure_row(way, shown, study.size, data) if shown else {})
        figures = _figures_of(way, {name: one.figure for name, one in sets.items() if one.figure})
        write_json(folder / ABOUT, {"about": about, "scale": scale, "figures": figures})
    return ", measured"


def _figures_of(way: Way, names: dict[str, str]) -> dict[str, float]:
    """Return figures by which a training was measured itself."""
    if not names:
        return {}
    path = Path(way.network).parent / "result.json"
    result = read_json(path, "train again") or {"figures": {}}
    if absent := set(names.values()) - set(result["figures"]):
        raise NightsegError(f"{path} has no figure {sorted(absent)[0]}; name one that it has")
    return {name: float(result["figures"][key]) for name, key in names.items()}


def _sets(study: Study, of_step: Callable[[str], Path], seed: int | None) -> dict[str, Any]:
    return {
        name: build(EvaluationSet, study.fill(vars(one), of_step, seed), f"sets: {name}")
        for name, one in study.sets.items()
    }


def _measured(study: Study, out: Path, graph: Collection[Task]) -> dict[tuple[str, int], Measured]:
    """Return everything that was measured so far on the sets of the study."""
    found = {}
    for task in graph:
        kept = read_json(out / task.folder / ABOUT, AGAIN) if task.is_row else None
        if kept is None or task.seed is None:
            continue
        if kept["about"]["sets"] == as_plain(
            _sets(study, partial(_place, study, out, task), task.seed)
        ):
            counts = read_counts(out / task.folder / COUNTS) or {}
            found[task.name, task.seed] = Measured(counts, kept["figures"], kept["scale"])
    return found


def _place(study: Study, out: Path, task: Task, step: str) -> Path:
    """Return the folder of a step that a task builds on."""
    return out / step_task(study, step, task.seed).folder


def _scale(study: Study, task: Task, of_step: Callable[[str], Path]) -> str:
    """Return in a few words how large the trainings right behind a row are."""
    found = []
    for name in sorted(study.needs(study.way(task.name))):
        step = make_step(study.fill(study.steps[name], of_step, task.seed), name)
        if isinstance(step, Train):
            config = step.config(name, task.seed or 0)
            words = [f"batch {config.batch}", f"{config.steps} steps"]
            network, view = getattr(config, "network", None), getattr(config, "view", None)
            if isinstance(view, tuple):
                words.insert(0, f"{view[1]}x{view[0]}")
            if network is not None:
                words.insert(0, f"{network.name} x{network.width:g}")
            found.append(", ".join(words))
    return "; ".join(dict.fromkeys(found))


def _in_order(
    graph: dict[Task, set[Task]], perform: Callable[[Task], str], jobs: int
) -> Iterator[tuple[Task, str]]:
    """Do every task after those it waits for, and yield each with what it returned."""
    order = TopologicalSorter(graph)
    order.prepare()
    # Rows first: a study that is stopped then shows what it has. Then in the order of the file.
    places = {task: (not task.is_row, place) for place, task in enumerate(graph)}
    ready: list[Task] = []
    with _workers(jobs) as submit:
        running: dict[Future[str], Task] = {}
        while order.is_active():
            ready = sorted([*ready, *order.get_ready()], key=places.__getitem__)
            while ready and len(running) < jobs:
                task = ready.pop(0)
                running[submit(perform, task)] = task
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                task = running.pop(future)
                yield task, future.result()
                order.done(task)


@contextmanager
def _workers(jobs: int) -> Iterator[Callable[..., Future[str]]]:
    """Yield what begins a task: in this process, or in one of several that share the cores."""
    if jobs == 1:
        yield _immediately
        return
    threads = max(1, (os.cpu_count() or 1) // jobs)
    # A forked process would share the locks of torch's threads.
    pool = ProcessPoolExecutor(
        jobs, get_context("spawn"), initializer=torch.set_num_threads, initargs=(threads,)
    )
    try:
        yield pool.submit
    finally:
        pool.shutdown(cancel_futures=True)


def _immediately(perform: Callable[[Task], str], task: Task) -> Future[str]:
    future: Future[str] = Future()
    future.set_result(perform(task))
    return future
