# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one thread that creates, uses and closes the engines.

GPU contexts belong to a thread, and the executor must stay free for parameters and lifecycle
services while a network runs. What happens when the thread itself gets stuck, or fails with every
frame, is for its supervisor to decide.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.mailbox import Mailbox, Outcome

THREAD_NAME = "nightseg_worker"


class Closeable(Protocol):
    """What the worker owns."""

    def close(self) -> None:
        """Free it."""


class AbandonedError(Exception):
    """The frame took so long that it was given up; nothing of it may be published any more."""


Owned = TypeVar("Owned", bound=Closeable)
Letter = TypeVar("Letter")
Claim = Callable[[], None]
"""To be called right before a frame is published; raises AbandonedError where it came too late."""


class Worker(Generic[Owned, Letter]):
    """Builds something in its thread, then serves a mailbox with it until `stop`.

    It ends by itself after `most_failures()` frames in a row that the engine failed: its mailbox
    is halted then, and what it owned is closed.
    """

    def __init__(
        self,
        mailbox: Mailbox[Letter],
        build: Callable[[], Owned],
        serve: Callable[[Owned, str, Letter, Claim], Outcome],
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
        self._busy: tuple[str, float] | None = None
        self._abandoned = self.retired = False
        self.failures = 0
        """Frames in a row that the engines failed."""
        self.last_failure: Exception | None = None
        self.published = 0

    def start(self) -> Owned:
        """Start the thread and return what it built, or raise what kept it from that."""
        self.begin()
        try:
            self._built.wait()
        except BaseException:  # Ctrl-C; Python must not end while the thread is inside an engine
            self.stop()
            raise
        return self.owned()

    def begin(self) -> None:
        """Start the thread and do not wait."""
        self._thread.start()

    @property
    def built(self) -> bool:
        """Whether it is done with building, be it in vain."""
        return self._built.is_set()

    def owned(self) -> Owned:
        """Return what was built, or raise what kept it from that."""
        if self._owned is None:
            self._thread.join()
            raise self._error or RuntimeError("the worker built nothing")
        return self._owned

    @property
    def alive(self) -> bool:
        """Whether its thread exists."""
        return self._thread.is_alive()

    def busy_s(self) -> float:
        """Return how long the frame under way has been that; 0 where there is none."""
        with self._lock:
            return 0.0 if self._busy is None else time.monotonic() - self._busy[1]

    def abandon(self) -> bool:
        """Give up the frame under way; False where there is none (any more).

        The thread cannot be stopped. It ends when its engine comes back, if ever, and what it
        then brings is thrown away.
        """
        with self._lock:
            if self._busy is None:
                return False
            self._abandoned = True
            camera = self._busy[0]
        self._mailbox.settle(camera, Outcome.HUNG)
        return True

    def stop(self, wait_s: float = 10.0) -> None:
        """End the mailbox and wait until the thread has closed what it built."""
        self._mailbox.end()
        if self._thread.ident is None:
            return
        self._thread.join(wait_s)
        if self._thread.is_alive():
            raise NightsegError(
                f"the engine has not come back for {wait_s:g} s; its thread is left behind: "
                "restart the node"
            )

    def _run(self) -> None:
        try:
            owned = self._build()
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
            self._owned = None  # whoever looks at the worker must not keep the engines alive
            owned.close()

    def _serve_one(self, owned: Owned, camera: str, letter: Letter) -> bool:
        """Bring one frame to an end; False where it was abandoned meanwhile."""
        with self._lock:
            self._busy = (camera, time.monotonic())
        outcome = self._outcome(owned, camera, letter)
        with self._lock:
            self._busy = None
            if self._abandoned:
                return False
        if outcome is Outcome.ENGINE:
            self.failures += 1
        elif outcome is Outcome.PUBLISHED:  # other frames say nothing of the engine
            self.failures = 0
            self.published += 1
        if self.failures >= self._most_failures():
            self._mailbox.halt()  # before the frame is settled, or the next one could slip in
            self.retired = True
        self._mailbox.settle(camera, outcome)
        return True

    def _outcome(self, owned: Owned, camera: str, letter: Letter) -> Outcome:
        try:
            return self._serve(owned, camera, letter, self._claim)
        except AbandonedError:
            return Outcome.HUNG
        except Exception as error:  # whatever an engine raises, the next frame gets its chance
            self.last_failure = error
            if not self._abandoned:
                self._on_failure(camera, error)
            return Outcome.ENGINE

    def _claim(self) -> None:
        with self._lock:
            if self._abandoned:
                raise AbandonedError
