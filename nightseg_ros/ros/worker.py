# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one thread that creates, uses and closes the engines.

GPU contexts belong to a thread, and the executor must stay free for parameters and lifecycle
services while a network runs; both are why nothing else here is a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.mailbox import Mailbox, Outcome


class Closeable(Protocol):
    """What the worker owns."""

    def close(self) -> None:
        """Free it."""


Owned = TypeVar("Owned", bound=Closeable)
Letter = TypeVar("Letter")


class Worker(Generic[Owned, Letter]):
    """Builds something in its thread, then serves a mailbox with it until `stop`."""

    def __init__(
        self,
        mailbox: Mailbox[Letter],
        build: Callable[[], Owned],
        serve: Callable[[Owned, str, Letter], Outcome],
        on_failure: Callable[[str, Exception], None],
    ) -> None:
        self._mailbox = mailbox
        self._build, self._serve, self._on_failure = build, serve, on_failure
        self._built = threading.Event()
        self._owned: Owned | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="nightseg_worker", daemon=True)

    def start(self) -> Owned:
        """Start the thread and return what it built, or raise what kept it from that."""
        self._thread.start()
        try:
            self._built.wait()
        except BaseException:  # Ctrl-C; Python must not end while the thread is inside an engine
            self.stop()
            raise
        if self._owned is None:
            self._thread.join()
            raise self._error or RuntimeError("the worker built nothing")
        return self._owned

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
            while (taken := self._mailbox.take()) is not None:
                camera, letter = taken
                self._mailbox.settle(camera, self._outcome(owned, camera, letter))
        finally:
            owned.close()

    def _outcome(self, owned: Owned, camera: str, letter: Letter) -> Outcome:
        try:
            return self._serve(owned, camera, letter)
        except Exception as error:  # whatever an engine raises, the next frame gets its chance
            self._on_failure(camera, error)
            return Outcome.ENGINE
