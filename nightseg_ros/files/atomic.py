# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Atomic writes: a file is either the old or the new one, never a part of the new one.

A file is written next to its place as .NAME.1a2b3c4d.unfinished, locked by its writer. So the
remains of a killed run can be distinguished from a running write, and the next run removes them.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from nightseg_ros.files.locks import is_at, try_hold

_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{8}\.unfinished", re.DOTALL)
_KEPT = 50
"""Characters of the name in the name of the unfinished file, which must not get too long."""
_SCRATCH = "nightseg_"


def write_atomically(path: Path, data: bytes, *, one_of_many: bool = False) -> None:
    """Write `data` to `path` through a temporary file next to it.

    With `one_of_many` the caller sweeps the folder once, instead of here for each file.
    """
    if not one_of_many:
        sweep(path.parent, path.name)
    write_all_atomically({path: data}, durable=False)


def write_all_atomically(files: Mapping[Path, bytes], *, durable: bool = True) -> None:
    """Write several files, replacing none before all of them are written.

    So a full disk leaves all old ones. They are replaced one by one, in the given order. With
    `durable` they are synced to the disk first, since some file systems only then report that they
    are full.
    """
    with ExitStack() as stack:
        staged: dict[Path, Path] = {}
        for path, data in files.items():
            staged[path] = stack.enter_context(_unfinished_file(path))
            with staged[path].open("wb") as file:
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
        for path, place in staged.items():
            place.replace(path)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield an empty file to write; it becomes `path` if the block ends without an error."""
    sweep(path.parent, path.name)
    with _unfinished_file(path) as place:
        yield place
        place.replace(path)


@contextmanager
def unfinished_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder next to `path`, removed afterwards; move the result to `path`."""
    sweep(path.parent, path.name)
    with _locked_folder(path) as place:
        yield place


@contextmanager
def scratch_folder(what: str, parent: Path | None = None) -> Iterator[Path]:
    """Yield an empty temporary folder, removed afterwards; sweep those of killed runs.

    >>> with scratch_folder("doctest") as folder:
    ...     folder.is_dir(), list(folder.iterdir())
    (True, [])
    """
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    sweep(parent, _SCRATCH)
    with _locked_folder(parent / f"{_SCRATCH}{what}") as place:
        yield place


def sweep(folder: Path, start: str = "") -> None:
    """Remove unfinished files of killed runs in `folder` whose names begin with `start`."""
    start = f".{start[:_KEPT]}"
    with suppress(OSError):  # nothing to sweep, or no permission
        for place in folder.iterdir():
            if place.name.startswith(start) and _UNFINISHED.fullmatch(place.name):
                _remove_abandoned(place)


def _remove_abandoned(place: Path) -> None:
    with suppress(OSError):  # another process sweeps too, or no permission
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if try_hold(descriptor, without_locks=False):
                if place.is_dir():
                    shutil.rmtree(place, ignore_errors=True)
                else:
                    place.unlink()
        finally:
            os.close(descriptor)


@contextmanager
def _unfinished_file(path: Path) -> Iterator[Path]:
    """Yield a new file next to `path`; remove it afterwards if it still exists."""
    while True:
        place = _place(path)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(place, flags, 0o666)
        if _claim(descriptor, place):
            break
    try:
        yield place
    finally:
        place.unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def _locked_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder next to `path`; remove it afterwards."""
    while True:
        place = _place(path)
        place.mkdir(0o700)
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
        if _claim(descriptor, place):
            break
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(descriptor)


def _place(path: Path) -> Path:
    return path.with_name(f".{path.name[:_KEPT]}.{secrets.token_hex(4)}.unfinished")


def _claim(descriptor: int, place: Path) -> bool:
    """Lock a new file; it may have been swept before it was locked."""
    if try_hold(descriptor, without_locks=True) and is_at(descriptor, place):
        return True
    os.close(descriptor)
    return False
