# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sees to it that there is a worker that works: the watchdog of the engines.

working   frames are served
stopped   the engines failed for too many frames in a row, or could not be built; the frames that
          come are refused, and new engines are built after a pause that grows from time to time
hung      an engine did not come back; its thread and its engines are left behind, since no thread
          can be stopped from outside, and a new worker with new engines takes over
given up  too many hung engines hold memory already; until one of them comes back nothing is built

The watchdog is a thread of its own, so it goes on while the executor waits for a transition. An
engine that hangs without letting go of Python's lock stops this thread too, and the whole node:
only silence on /diagnostics tells of that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, NamedTuple

from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.backoff import Backoff
from nightseg_ros.perception.route_guard import cause
from nightseg_ros.perception.status import ERROR, OK, WARN, Report
from nightseg_ros.ros.mailbox import Mailbox, Outcome
from nightseg_ros.ros.worker import Claim, Letter, Owned, Worker

LOOK_S = 0.1
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 60.0
TASK = "engine"


class Limits(NamedTuple):
    """What is borne before something is done."""

    timeout_s: float
    """Of one frame; 0 is no limit."""
    failures: int
    """Frames in a row that failed."""
    hung: int
    """Hung engines that are left behind."""


class Supervisor(Generic[Owned, Letter]):
    """One worker at a time on a mailbox, and a new one where that is needed.

    `build` and `serve` are called in the thread of the worker; `on_new` gets what was built anew,
    and `tell` each change of the state, both in the thread of the watchdog.
    """

    def __init__(
        self,
        mailbox: Mailbox[Letter],
        build: Callable[[], Owned],
        serve: Callable[[Owned, str, Letter, Claim], Outcome],
        *,
        on_failure: Callable[[str, Exception], None],
        on_new: Callable[[Owned], None],
        tell: Callable[[Report], None],
        limits: Callable[[], Limits],
    ) -> None:
        self._mailbox, self._build, self._serve = mailbox, build, serve
        self._on_failure, self._on_new, self._tell = on_failure, on_new, tell
        self._limits = limits
        self._worker = self._new_worker()
        self._building = False
        self._pauses = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._due_s: float | None = None
        self._left_behind: list[Worker[Owned, Letter]] = []
        self._restarts = self._hung = 0
        self._level, self._message = OK, "working"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="nightseg_watchdog", daemon=True)

    def start(self) -> Owned:
        """Start the first worker and return what it built, or raise what kept it from that."""
        owned = self._worker.start()
        self._thread.start()
        return owned

    def stop(self, wait_s: float = 10.0) -> None:
        """Stop watchdog and worker; NightsegError where an engine is still left behind."""
        self._stop.set()
        self._mailbox.end()
        if self._thread.ident is not None:
            self._thread.join(wait_s)
        if self._worker not in self._left_behind:
            self._worker.stop(wait_s)
        if count := len(self._hanging()):
            raise NightsegError(
                f"{count} hung engine{'s' if count > 1 else ''} could not be stopped, "
                "and keep memory until they come back: restart the node"
            )

    def report(self) -> Report:
        """Return the state, for the diagnostics."""
        level, message = self._level, self._message
        worker = self._worker
        busy_s = worker.busy_s()
        if level == OK and worker.failures and worker.last_failure is not None:
            level = WARN
            message = f"{_frames(worker.failures)} failed: {cause(worker.last_failure)}"
        if self._building:
            message += "; building new engines"
        elif self._due_s is not None:
            message += f"; next try in {max(0.0, self._due_s - time.monotonic()):.1f} s"
        values = {
            "frame_under_way_s": f"{busy_s:.1f}",
            "restarts": str(self._restarts),
            "hung": str(self._hung),
            "left_behind": str(len(self._hanging())),
        }
        return Report(TASK, level, message, values)

    def _new_worker(self) -> Worker[Owned, Letter]:
        return Worker(
            self._mailbox,
            self._build,
            self._serve,
            self._on_failure,
            lambda: self._limits().failures,
        )

    def _hanging(self) -> list[Worker[Owned, Letter]]:
        self._left_behind = [worker for worker in self._left_behind if worker.alive]
        return self._left_behind

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_S):
            try:
                self.look()
            except Exception as error:  # a watchdog that dies unnoticed is worse than none
                self._say(ERROR, f"the watchdog failed: {cause(error)}")

    def look(self) -> None:
        """Look once, and do what is due."""
        limits, worker = self._limits(), self._worker
        if self._building:
            if worker.built:
                self._take_over(worker)
        elif self._due_s is not None:
            self._restart_if_due(limits)
        elif worker.retired:
            error = worker.last_failure or RuntimeError("no reason known")
            self._pause(f"stopped: {_frames(worker.failures)} failed: {cause(error)}")
        elif limits.timeout_s and worker.busy_s() > limits.timeout_s:
            self._abandon(worker, limits)
        elif worker.published:
            self._pauses.worked(time.monotonic())
            if self._level != OK:
                self._say(OK, "working")

    def _abandon(self, worker: Worker[Owned, Letter], limits: Limits) -> None:
        self._mailbox.halt()
        if not worker.abandon():  # it came back at the last moment
            self._mailbox.resume()
            return
        self._hung += 1
        self._left_behind.append(worker)
        self._pause(f"hung: a frame has been under way for {limits.timeout_s:g} s")

    def _pause(self, message: str) -> None:
        now_s = time.monotonic()
        self._due_s = now_s + self._pauses.failed(now_s)
        self._say(ERROR, message)

    def _restart_if_due(self, limits: Limits) -> None:
        if len(self._hanging()) > limits.hung:
            if not self._message.startswith("given up"):
                self._say(
                    ERROR,
                    f"given up: {len(self._left_behind)} hung engines are left behind and keep "
                    "their memory; restart the node",
                )
            return
        late_s = 0.0 if self._due_s is None else time.monotonic() - self._due_s
        if late_s < 0.0:
            return
        if self._worker.alive and self._worker not in self._left_behind:
            # It still frees its engines, and two sets may not fit into the memory.
            if limits.timeout_s and late_s > limits.timeout_s:
                self._left_behind.append(self._worker)
            return
        self._due_s = None
        self._restarts += 1
        self._building = True
        self._worker = self._new_worker()
        self._worker.begin()

    def _take_over(self, worker: Worker[Owned, Letter]) -> None:
        self._building = False
        try:
            owned = worker.owned()
        except Exception as error:
            self._pause(f"stopped: new engines could not be built: {cause(error)}")
            return
        self._on_new(owned)
        self._mailbox.resume()
        self._say(WARN, f"new engines are ready after: {self._message}")

    def _say(self, level: int, message: str) -> None:
        self._level, self._message = level, message
        self._tell(self.report())


def _frames(count: int) -> str:
    return "the last frame" if count == 1 else f"the last {count} frames"
