# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One builder at a time, and a sign of life every few seconds while somebody builds or waits."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

Say = Callable[[str], None]

PROGRESS_S = 5.0
"""Time between two lines of progress."""
POLL_S = 0.1


@contextmanager
def file_lock(path: Path, what: str, say: Say) -> Iterator[None]:
    """Hold the lock file `path`, after waiting for whoever holds it.

    The kernel frees the lock of a process that dies, so a killed builder blocks nobody.
    """
    begin = time.monotonic()
    told = -PROGRESS_S
    while (descriptor := _try_lock(path)) is None:
        waited = time.monotonic() - begin
        if waited - told >= PROGRESS_S:
            told = waited
            say(f"waiting for {_holder(path)}, which works on {what}: {waited:.0f} s")
        time.sleep(POLL_S)
    try:
        yield
    finally:
        _unlock(path, descriptor)


@contextmanager
def lock_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock file if nobody has it; the value tells whether that is so."""
    descriptor = _try_lock(path)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            _unlock(path, descriptor)


def is_locked(path: Path) -> bool:
    """Tell whether a process holds the lock file right now."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _try_lock(path: Path) -> int | None:
    """Return the descriptor of the locked file, or None where another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The last holder removes the file: a lock on a removed file would exclude nobody.
        if os.fstat(descriptor).st_ino == os.stat(path).st_ino:
            os.ftruncate(descriptor, 0)
            with suppress(OSError):  # the number is for a message only; the disk may be full
                os.write(descriptor, str(os.getpid()).encode())
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _unlock(path: Path, descriptor: int) -> None:
    with suppress(OSError):
        path.unlink()
    os.close(descriptor)


def _holder(path: Path) -> str:
    try:
        number = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        number = ""
    return f"process {number}" if number.isdigit() else "another process"


@contextmanager
def signs_of_life(what: str, say: Say) -> Iterator[None]:
    """Call `say` every PROGRESS_S seconds, from a thread, until the block ends."""
    done = threading.Event()
    begin = time.monotonic()

    def tell() -> None:
        while not done.wait(PROGRESS_S):
            say(f"{what}: {time.monotonic() - begin:.0f} s")

    thread = threading.Thread(target=tell, name="engine-build-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
