# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads files with untrusted paths: a pipe would block forever, and some devices have no end."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from nightseg_ros.errors import NightsegError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def require_regular(path: Path) -> None:
    """Refuse anything but a regular file or a link to one; OSError where it does not exist."""
    _check(path, path.stat())


def read_regular(path: Path, most: int) -> bytes:
    """Return the content of a regular file, or of the target of a link.

    A file of more than `most` bytes is refused unread. OSError like `Path.read_bytes`.
    """
    require_regular(path)  # opening some devices has side effects
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        _check(path, found)
        data = file.read(most + 1) if found.st_size <= most else b""
        if found.st_size > most or len(data) > most:
            raise NightsegError(f"{path} is larger than {most / 2**20:g} MiB; name another file")
        return data


def _check(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "no file")
        raise NightsegError(f"{path} is {kind}, or a link to one; name a regular file")
