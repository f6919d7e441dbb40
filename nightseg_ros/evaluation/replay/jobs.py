# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs one function on many things, each in a process of its own; one that dies dies alone.

The processes are started afresh (spawn): engines and their threads do not survive a fork.
"""

from __future__ import annotations

import multiprocessing
import os
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
"""Takes the steps that are done, and how many there are in all; 0 where that is not known."""
Function = Callable[[Any, Report], Any]
REPORT_EVERY_S = 0.2
STOP_WITHIN_S = 10.0


@dataclass(frozen=True)
class Outcome:
    """What came of one job: a value, or the reason why not."""

    index: int
    value: Any = None
    error: str = ""


def cores() -> int:
    """Return the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def reason(error: BaseException) -> str:
    """Return an error in one line."""
    text = " ".join(str(error).split())
    return text if isinstance(error, NightsegError) else f"{type(error).__name__}: {text}"


def run_in_processes(
    function: Function,
    arguments: Sequence[Any],
    jobs: int,
    report: Callable[[int, int, int], None],
) -> Iterator[Outcome]:
    """Yield what comes of `function(argument, report)` as it comes, so many of them at a time.

    `report` takes the index of the argument before the steps. Function, arguments and values are
    pickled. Left early, for instance by Ctrl-C, all processes are ended first.
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
                with _interrupts_held_back():
                    process.start()
                theirs.close()  # else the end of the process would not be seen
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
    """Run in the process: Ctrl-C is the business of the one that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    last = [0.0]

    def report(done: int, total: int) -> None:
        # That nobody listens any more ends the job too: no orphan works on.
        if time.monotonic() - last[0] >= REPORT_EVERY_S or done == total:
            last[0] = time.monotonic()
            pipe.send(("steps", (done, total)))

    try:
        pipe.send(("value", function(argument, report)))
    except (KeyboardInterrupt, BrokenPipeError):
        raise SystemExit(1) from None
    except Exception as error:  # whatever it is, it is news of this job alone
        pipe.send(("error", reason(error)))


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let a new process start deaf to Ctrl-C, which would print a traceback out of its imports."""
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
        return f"its process did not start, or ended without a word (exit code {code})"
    name = signal.Signals(-code).name
    memory = "; the memory may have run out" if name == "SIGKILL" else ""
    return f"its process was ended by {name}{memory}"


def _end(processes: Sequence[Any]) -> None:
    """End processes, kindly first: they close their files and remove what is half written."""
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
