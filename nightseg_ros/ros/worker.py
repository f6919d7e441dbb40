# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one thread that creates, uses and closes the engines.

GPU contexts belong to a thread, and the executor must stay free for parameters and lifecycle
services while a network runs. The supervisor handles a thread that hangs or fails with every
frame.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Generic, NamedTuple, Protocol, TypeVar

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.executables import THREAD_NAME
from nightseg_ros.ros.mailbox import Mailbox, Outcome

POLL_S = 0.1
INTERRUPTED_WAIT_S = 2.0
"""How long an interrupted start waits for the engines being built, to free them properly."""


class Closeable(Protocol):
    """What the worker owns."""

    def close(self) -> None:
        """Free it."""


class AbandonedError(BaseException):
    """The engine hung and was abandoned; its result must not be used.

    Not an Exception: code that handles the exceptions of an engine must not continue with it.
    """


Owned = TypeVar("Owned", bound=Closeable)
FrameT = TypeVar("FrameT")
EngineCall = Callable[[str], AbstractContextManager[None]]
"""Makes the context of a call into an engine, by the name of what it works on; only such calls are
watched for hangs. It raises AbandonedError at its end where the engine was abandoned meanwhile."""
FRAME = "a frame"


class _Busy(NamedTuple):
    """The current call into the engine."""

    camera: str | None
    """The camera of the frame; None where it has no frame."""
    what: str
    since_s: float


class Worker(Generic[Owned, FrameT]):
    """Builds something in its thread, then serves a mailbox with it until `stop`.

    After `most_failures()` frames in a row that the engine failed, it halts its mailbox, closes
    what it owns and ends.
    """

    def __init__(
        self,
        mailbox: Mailbox[FrameT],
        build: Callable[[EngineCall], Owned],
        serve: Callable[[Owned, str, FrameT, EngineCall], Outcome],
        on_failure: Callable[[str, Exception], None],
        most_failures: Callable[[], int] = lambda: 1_000_000,
    ) -> None:
        self._mailbox = mailbox
        self._build, self._serve, self._on_failure = build, serve, on_failure
        self._most_failures = most_failures
        self._built = threading.Event()
        self._owned: Owned | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
        self._lock = threading.Lock()
        self._busy: _Busy | None = None
        self._abandoned = self.retired = False
        self.failures = 0
        """Frames in a row that the engines failed."""
        self.last_failure: Exception | None = None
        self.published = 0

    def start(self, check: Callable[[], object] = lambda: None) -> Owned:
        """Start the thread and return what it built, or raise the error that prevented it.

        Meanwhile it calls `check` repeatedly: an exception of `check` ends the waiting.
        """
        self.begin()
        try:
            while not self._built.wait(POLL_S):
                check()
        except BaseException:  # Ctrl-C, for example
            if not self._abandoned:
                with suppress(NightsegError):  # about the abandoned thread; the cause matters more
                    self.stop(INTERRUPTED_WAIT_S)
            raise
        return self.owned()

    def begin(self) -> None:
        """Start the thread and do not wait."""
        self._thread.start()

    @property
    def built(self) -> bool:
        """Whether building has ended, successfully or not."""
        return self._built.is_set()

    def owned(self) -> Owned:
        """Return what was built, or raise the error that prevented it."""
        if self._owned is None:
            self._thread.join()
            raise self._error or RuntimeError("the worker built nothing")
        return self._owned

    @property
    def alive(self) -> bool:
        """Whether its thread exists."""
        return self._thread.is_alive()

    def busy_s(self) -> float:
        """Return the duration of the current call into the engine; 0 where there is none."""
        with self._lock:
            return 0.0 if self._busy is None else time.monotonic() - self._busy.since_s

    def abandon(self) -> str:
        """Abandon the engine; return what it works on, or "" where it is idle (again).

        The thread cannot be stopped. It ends when its engine returns, if ever, and the result is
        discarded.
        """
        with self._lock:
            if self._busy is None:
                return ""
            self._abandoned, busy = True, self._busy
        if busy.camera is not None:
            self._mailbox.settle(busy.camera, Outcome.HUNG)
        return busy.what

    def stop(self, wait_s: float = 10.0) -> None:
        """End the mailbox and wait until the thread has closed what it built."""
        self._mailbox.end()
        if self._thread.ident is None:
            return
        self._thread.join(wait_s)
        if self._thread.is_alive():
            raise NightsegError(
                f"the engine has not returned for {wait_s:g} s; its thread is abandoned: "
                "restart the node"
            )

    def _run(self) -> None:
        try:
            owned = self._build(partial(self._engine_call, None))
        except BaseException as error:
            self._error = error
            self._built.set()
            return
        self._owned = owned
        self._built.set()
        try:
            while not self.retired and (taken := self._mailbox.take()) is not None:
                if not self._serve_one(owned, *taken):
                    break
        finally:
            self._owned = None  # a reference to the worker must not keep the engines alive
            owned.close()

    def _serve_one(self, owned: Owned, camera: str, frame: FrameT) -> bool:
        """Process one frame; False where the worker was abandoned meanwhile."""
        outcome = self._outcome(owned, camera, frame)
        if self._abandoned:
            return False
        if outcome is Outcome.ENGINE:
            self.failures += 1
        elif outcome is Outcome.PUBLISHED:  # other outcomes do not prove that the engine works
            self.failures = 0
            self.published += 1
        if self.failures >= self._most_failures():
            self._mailbox.halt()  # before the frame is settled, or the next one could slip in
            self.retired = True
        self._mailbox.settle(camera, outcome)
        return True

    def _outcome(self, owned: Owned, camera: str, frame: FrameT) -> Outcome:
        try:
            return self._serve(owned, camera, frame, partial(self._engine_call, camera))
        except AbandonedError:
            return Outcome.HUNG
        except Exception as error:  # whatever an engine raises, the next frame is tried
            self.last_failure = error
            if not self._abandoned:
                self._on_failure(camera, error)
            return Outcome.ENGINE

    @contextmanager
    def _engine_call(self, camera: str | None, what: str) -> Iterator[None]:
        with self._lock:
            self._busy = _Busy(camera, what, time.monotonic())
        try:
            yield
        finally:
            with self._lock:
                self._busy = None
        if self._abandoned:
            raise AbandonedError
