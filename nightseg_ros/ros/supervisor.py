# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The watchdog of the engines: it replaces a worker that hangs or keeps failing.

working   frames are served
stopped   the engines failed for too many frames in a row, or could not be built; arriving frames
          are refused, and new engines are built after a pause that grows each time
hung      an engine did not return, from a frame or its trial run; its thread and engines are
          abandoned, since no thread can be stopped from outside, and a new worker with new
          engines takes over
given up  too many hung engines hold memory already; nothing is built until one of them returns

The watchdog has its own thread, so it runs while the executor waits for a transition. An engine
that hangs without releasing Python's lock stops this thread too, and the whole node: then only
the missing /diagnostics show it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, NamedTuple

from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.route_guard import Backoff, cause
from nightseg_ros.perception.status import ERROR, OK, WARN, Report
from nightseg_ros.ros.worker import EngineCall, FrameT, Owned, Worker

if TYPE_CHECKING:
    from nightseg_ros.ros.mailbox import Mailbox, Outcome

POLL_S = 0.1
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 60.0
TASK = "engine"


class Limits(NamedTuple):
    """When the watchdog acts."""

    timeout_s: float
    """Of one frame; 0 is no limit."""
    failures: int
    """Frames in a row that failed."""
    hung: int
    """Hung engines that may be abandoned."""


class Supervisor(Generic[Owned, FrameT]):
    """Runs one worker at a time on a mailbox, and replaces it where needed.

    The worker's thread calls `build` and `serve`. The watchdog's thread calls `on_new` with what
    was rebuilt, and `on_change` with each change of the state. `start` raises where the process
    has `ended`.
    """

    def __init__(
        self,
        mailbox: Mailbox[FrameT],
        build: Callable[[EngineCall], Owned],
        serve: Callable[[Owned, str, FrameT, EngineCall], Outcome],
        *,
        on_failure: Callable[[str, Exception], None],
        on_new: Callable[[Owned], None],
        on_change: Callable[[Report], None],
        limits: Callable[[], Limits],
        ended: Callable[[], bool] = lambda: False,
    ) -> None:
        self._mailbox, self._build, self._serve = mailbox, build, serve
        self._on_failure, self._on_new, self._on_change = on_failure, on_new, on_change
        self._limits, self._ended = limits, ended
        self._worker = self._new_worker()
        self._building = False
        self._pauses = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._due_s: float | None = None
        self._abandoned: list[Worker[Owned, FrameT]] = []
        self._restarts = self._hung = 0
        self._level, self._message = OK, "working"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="nightseg_watchdog", daemon=True)

    def start(self) -> Owned:
        """Start the first worker and return what it built, or raise the error that prevented it."""
        owned = self._worker.start(self._check_start)
        self._thread.start()
        return owned

    def stop(self, wait_s: float = 10.0) -> None:
        """Stop watchdog and worker; NightsegError where an abandoned engine still hangs."""
        self._stop.set()
        self._mailbox.end()
        if self._thread.ident is not None:
            self._thread.join(wait_s)
        if self._worker not in self._abandoned:
            self._worker.stop(wait_s)
        if count := len(self._hanging()):
            raise NightsegError(
                f"{count} hung engine{'s' if count > 1 else ''} could not be stopped, "
                "and keep their memory until they return: restart the node"
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
        return Report(TASK, level, message, values, logged=True)

    def _check_start(self) -> None:
        limits = self._limits()
        if _is_late(self._worker, limits) and (what := self._worker.abandon()):
            raise NightsegError(
                f"{what} did not end within {limits.timeout_s:g} s (engine_timeout_s): the engine "
                "hangs; use another model or engine, or allow more time"
            )
        if self._ended():
            raise KeyboardInterrupt  # SIGTERM only shuts the context down; treat it like Ctrl-C

    def _new_worker(self) -> Worker[Owned, FrameT]:
        return Worker(
            self._mailbox,
            self._build,
            self._serve,
            self._on_failure,
            lambda: self._limits().failures,
        )

    def _hanging(self) -> list[Worker[Owned, FrameT]]:
        self._abandoned = [worker for worker in self._abandoned if worker.alive]
        return self._abandoned

    def _watch(self) -> None:
        while not self._stop.wait(POLL_S):
            try:
                self.poll()
            except Exception as error:  # a watchdog that dies unnoticed is worse than none
                self._set_state(ERROR, f"the watchdog failed: {cause(error)}")

    def poll(self) -> None:
        """Check the worker once, and act where needed."""
        limits, worker = self._limits(), self._worker
        if self._building:
            if worker.built:
                self._take_over(worker)
            elif _is_late(worker, limits):
                self._abandon(worker, limits)
        elif self._due_s is not None:
            self._restart_if_due(limits)
        elif worker.retired:
            error = worker.last_failure or RuntimeError("no reason known")
            self._pause(f"stopped: {_frames(worker.failures)} failed: {cause(error)}")
        elif _is_late(worker, limits):
            self._abandon(worker, limits)
        elif worker.published:
            self._pauses.worked(time.monotonic())
            if self._level != OK:
                self._set_state(OK, "working")

    def _abandon(self, worker: Worker[Owned, FrameT], limits: Limits) -> None:
        self._mailbox.halt()
        if not (what := worker.abandon()):  # it returned at the last moment
            if not self._building:
                self._mailbox.resume()
            return
        self._building = False
        self._hung += 1
        self._abandoned.append(worker)
        self._pause(_hung(what, limits))

    def _pause(self, message: str) -> None:
        now_s = time.monotonic()
        self._due_s = now_s + self._pauses.failed(now_s)
        self._set_state(ERROR, message)

    def _restart_if_due(self, limits: Limits) -> None:
        if len(self._hanging()) > limits.hung:
            if not self._message.startswith("given up"):
                self._set_state(
                    ERROR,
                    f"given up: {len(self._abandoned)} hung engines are abandoned and keep "
                    "their memory; restart the node",
                )
            return
        late_s = 0.0 if self._due_s is None else time.monotonic() - self._due_s
        if late_s < 0.0:
            return
        if self._worker.alive and self._worker not in self._abandoned:
            # It still frees its engines, and two sets may not fit into memory.
            if limits.timeout_s and late_s > limits.timeout_s:
                self._abandoned.append(self._worker)
            return
        self._due_s = None
        self._restarts += 1
        self._building = True
        self._worker = self._new_worker()
        self._worker.begin()

    def _take_over(self, worker: Worker[Owned, FrameT]) -> None:
        self._building = False
        try:
            owned = worker.owned()
        except Exception as error:
            self._pause(f"stopped: new engines could not be built: {cause(error)}")
            return
        self._on_new(owned)
        self._mailbox.resume()
        self._set_state(WARN, f"new engines are ready after: {self._message}")

    def _set_state(self, level: int, message: str) -> None:
        self._level, self._message = level, message
        self._on_change(self.report())


def _frames(count: int) -> str:
    return "the last frame" if count == 1 else f"the last {count} frames"


def _is_late(worker: Worker[Owned, FrameT], limits: Limits) -> bool:
    return 0.0 < limits.timeout_s < worker.busy_s()


def _hung(what: str, limits: Limits) -> str:
    return f"hung: {what} has been under way for {limits.timeout_s:g} s"
