# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a function on many arguments, each in its own process, or on an existing Ray cluster.

A crash affects one job only. The processes are started afresh (spawn): engines and their threads
do not survive a fork.
"""

from __future__ import annotations

import importlib
import multiprocessing
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from nightseg_ros.errors import NightsegError

Report = Callable[[int, int], None]
"""Takes the number of finished steps and of all steps; 0 where that is unknown."""
Function = Callable[[Any, Report], Any]
REPORT_EVERY_S = 0.2
STOP_WITHIN_S = 10.0


@dataclass(frozen=True)
class Outcome:
    """The result of one job: a value, or the error."""

    index: int
    value: Any = None
    error: str = ""


def reason(error: BaseException) -> str:
    """Return an error in one line."""
    text = " ".join(str(error).split())
    return text if isinstance(error, NightsegError) else f"{type(error).__name__}: {text}"


def run_in_processes(
    function: Function, arguments: Sequence[Any], jobs: int, report: Callable[[int, int, int], None]
) -> Iterator[Outcome]:
    """Yield the outcomes of `function(argument, report)` as they finish, `jobs` at a time.

    `report` gets the index of the argument and the steps. Function, arguments and values are
    pickled. If the iteration ends early, for example by Ctrl-C, all processes are terminated.
    """
    context = multiprocessing.get_context("spawn")
    waiting = deque(enumerate(arguments))
    running: dict[Connection, tuple[int, Any]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                index, argument = waiting.popleft()
                mine, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_serve, args=(function, argument, theirs))
                running[mine] = (index, process)
                with _interrupts_ignored():
                    process.start()
                theirs.close()  # else the end of the process would not be detected
            for pipe in wait(list(running)):
                assert isinstance(pipe, Connection)
                index, process = running[pipe]
                try:
                    kind, content = pipe.recv()
                except (EOFError, OSError):
                    kind, content = "error", _death(process)
                if kind == "steps":
                    report(index, *content)
                    continue
                del running[pipe]
                pipe.close()
                process.join()
                good = kind == "value"
                yield Outcome(index, content if good else None, "" if good else content)
    finally:
        _end([process for _, process in running.values()])


def _serve(function: Function, argument: Any, pipe: Connection) -> None:
    """Run in the process: its parent handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    last = [0.0]

    def report(done: int, total: int) -> None:
        # This fails if the parent is gone, so no orphan keeps working.
        if time.monotonic() - last[0] >= REPORT_EVERY_S or done == total:
            last[0] = time.monotonic()
            pipe.send(("steps", (done, total)))

    try:
        pipe.send(("value", function(argument, report)))
    except (KeyboardInterrupt, BrokenPipeError):
        raise SystemExit(1) from None
    except Exception as error:  # any error concerns this job only
        pipe.send(("error", reason(error)))


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Start a new process that ignores Ctrl-C, which would print a traceback of its imports."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _death(process: Any) -> str:
    process.join()
    code = process.exitcode or 0
    if code >= 0:
        return f"its process did not start, or ended without an error (exit code {code})"
    name = signal.Signals(-code).name
    memory = "; the memory may have run out" if name == "SIGKILL" else ""
    return f"its process was ended by {name}{memory}"


def _end(processes: Sequence[Any]) -> None:
    """Terminate processes, gently first: they close their files and remove unfinished ones."""
    for process in processes:
        if process.pid is not None:
            process.terminate()
    until = time.monotonic() + STOP_WITHIN_S
    for process in processes:
        if process.pid is None:
            continue
        process.join(max(0.0, until - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()


def run_on_ray(
    function: Function,
    arguments: Sequence[Any],
    address: str,
    jobs: int,
    *,
    cores: int,
    gpus: int = 0,
) -> Iterator[Outcome]:
    """Yield the outcomes of `function(argument, report)` as they finish; no progress is reported.

    Each job gets `cores` and `gpus` of a machine, and sees no other GPU; `jobs` run at a time, 0
    for as many as possible.
    """
    ray = _load_ray()
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as error:  # they have no common base, and include ValueError
        raise NightsegError(f"no Ray cluster answers at '{address}' ({error})") from error
    remote = ray.remote(_call).options(num_cpus=cores, num_gpus=gpus, max_retries=0)
    left = list(enumerate(arguments))[::-1]
    running: dict[Any, int] = {}
    try:
        while left or running:
            while left and (jobs < 1 or len(running) < jobs):
                index, argument = left.pop()
                running[remote.remote(function, argument)] = index
            (done, *_), _ = ray.wait(list(running), num_returns=1)
            index = running.pop(done)
            try:
                yield Outcome(index, ray.get(done))
            except Exception as error:  # of the job, or of its machine
                yield Outcome(index, error=reason(getattr(error, "cause", None) or error))
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
        ray.shutdown()


def _call(function: Function, argument: Any) -> Any:
    """Run on a machine of the cluster."""
    return function(argument, lambda _done, _total: None)


def _load_ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise NightsegError(
            f"Ray cannot be imported ({error}); pip install '.[ray]' in the folder of "
            "nightseg_ros, or pip install ray"
        ) from error
