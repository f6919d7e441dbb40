# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A file that Rerun writes through a pipe, so that it is complete or absent.

On a full disk Rerun's own writer only logs the error, waits forever in a flush, and leaves an
incomplete file. So it writes into a pipe, and this module copies the bytes into the file.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import atomic_file, scratch_folder
from nightseg_ros.files.sole_writer import sole_file_writer

_PIECE = 1 << 16
_END_WITHIN_S = 60.0
"""Rerun closes its end of the pipe immediately; this bounds the wait in case it does not."""


@contextmanager
def rerun_file(path: Path) -> Iterator[RerunPipe]:
    """Yield the pipe of a new file; Rerun must have closed its end when the block ends."""
    if path.suffix != ".rrd":
        raise NightsegError(f"--save {path} needs the ending .rrd")
    path.parent.mkdir(parents=True, exist_ok=True)
    with sole_file_writer(path):
        if path.exists():
            raise NightsegError(f"--save {path} exists already; name another file or remove it")
        with atomic_file(path) as place, scratch_folder("view") as scratch:
            pipe = RerunPipe(scratch / "pipe.rrd", place, path)
            try:
                yield pipe
            finally:
                pipe.close()
            pipe.check()


class RerunPipe:
    """Copies what is written to the pipe `path` into the file `place`."""

    def __init__(self, path: Path, place: Path, final: Path) -> None:
        """Open the pipe; errors name the `final` file."""
        self.path, self._place, self._final = path, place, final
        self._error = ""
        os.mkfifo(path, 0o600)
        # Neither this nor Rerun waits for the other end: both are open here.
        self._out = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._in = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        os.set_blocking(self._out, True)
        self._thread = threading.Thread(target=self._drain, name="rerun file", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise if something could not be written."""
        if self._error:
            raise NightsegError(
                f"--save {self._final} cannot be written ({self._error}); make room, or name a "
                "file on another disk"
            )

    def close(self) -> None:
        """Wait until everything is in the file."""
        os.close(self._in)
        self._thread.join(_END_WITHIN_S)
        if self._thread.is_alive():
            self._error = self._error or "Rerun does not end it"

    def _drain(self) -> None:
        """Copy all bytes into the file; after an error discard them, so that nobody waits."""
        try:
            with self._place.open("wb") as file:
                while piece := os.read(self._out, _PIECE):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self._error = error.strerror or str(error)
            while os.read(self._out, _PIECE):
                pass
        finally:
            os.close(self._out)
