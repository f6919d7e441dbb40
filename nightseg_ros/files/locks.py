# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Locks of files and folders, and progress lines while one waits or works.

The kernel releases the locks of a dead process: none becomes stale.
"""

from __future__ import annotations

import fcntl
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LONGEST = 200
"""Most bytes of the text that names the holder of a lock."""


def try_hold(descriptor: int, *, without_locks: bool) -> bool:
    """Lock an open file or folder until it is closed; return whether it was free.

    `without_locks` is the result where the file system has no locks.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return without_locks
    return True


def is_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file or folder is still the one at `path`."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def try_lock(lock: Path) -> int | None:
    """Return the descriptor of the lock file, or None where another process holds it."""
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(lock, flags, 0o644)
        try:
            if not try_hold(descriptor, without_locks=True):
                os.close(descriptor)
                return None
            # The last holder removes the file, and a lock on a removed file excludes nobody.
            if is_at(descriptor, lock):
                with suppress(OSError):  # the text is only for messages; the disk may be full
                    os.ftruncate(descriptor, 0)
                    os.write(descriptor, _ourselves().encode())
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def unlock(lock: Path, descriptor: int) -> None:
    """Release a lock of `try_lock`."""
    with suppress(OSError):
        lock.unlink()
    os.close(descriptor)


def lock_holder(lock: Path) -> str:
    """Return a description of the holder of a lock."""
    try:
        text = lock.read_bytes()[:_LONGEST].decode(errors="replace")
    except OSError:
        text = ""
    return text if text.startswith("process ") and text.isprintable() else "another process"


def _ourselves() -> str:
    words = " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])[:60]
    return f"process {os.getpid()} ({words}) on {platform.node()}"


Log = Callable[[str], None]

PROGRESS_S = 5.0
"""Time between two lines of progress."""
POLL_S = 0.1


@contextmanager
def file_lock(path: Path, what: str, log: Log) -> Iterator[None]:
    """Hold the lock file `path`, after waiting for its holder.

    The kernel frees the lock of a process that dies, so a killed builder blocks nobody.
    """
    begin = time.monotonic()
    logged = -PROGRESS_S
    while (descriptor := try_lock(path)) is None:
        waited = time.monotonic() - begin
        if waited - logged >= PROGRESS_S:
            logged = waited
            log(f"waiting for {lock_holder(path)}, which works on {what}: {waited:.0f} s")
        time.sleep(POLL_S)
    try:
        yield
    finally:
        unlock(path, descriptor)


@contextmanager
def lock_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock file if it is free; the value is whether it was."""
    descriptor = try_lock(path)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            unlock(path, descriptor)


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock file."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def progress_lines(what: str, log: Log) -> Iterator[None]:
    """Call `log` every PROGRESS_S seconds, from a thread, until the block ends."""
    done = threading.Event()
    begin = time.monotonic()

    def report() -> None:
        while not done.wait(PROGRESS_S):
            log(f"{what}: {time.monotonic() - begin:.0f} s")

    thread = threading.Thread(target=report, name="engine-build-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
