# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Allows one writer at a time for an output folder, or for an output file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import sweep
from nightseg_ros.files.locks import lock_holder, try_lock, unlock

LOCK = ".nightseg.lock"
"""The lock file of a folder; with a prefix, of a file next to it."""


@contextmanager
def sole_folder_writer(folder: Path) -> Iterator[None]:
    """Refuse if another process writes into `folder`; sweep the remains of killed runs.

    A missing folder is created, and removed if it stays empty.
    """
    if folder.exists() and not folder.is_dir():
        raise NightsegError(f"{folder} is a file; name a folder")
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NightsegError(
            f"cannot write into {folder} ({error.strerror}); name another folder"
        ) from error
    try:
        with _alone(folder, folder / LOCK, "folder"):
            sweep(folder)
            for file in list(folder.iterdir()):
                if file.name.endswith(LOCK) and file.name != LOCK:
                    _remove_abandoned(file)
            yield
    finally:
        if new:
            with suppress(OSError):  # it is not empty
                folder.rmdir()


def contents(folder: Path) -> list[str]:
    """Return the names in an output folder, without the locks of its writers."""
    names = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    return sorted(name for name in names if not name.endswith(LOCK))


@contextmanager
def sole_file_writer(path: Path) -> Iterator[None]:
    """Refuse if another process writes the file `path`; its folder must exist."""
    with _alone(path, path.with_name(f".{path.name[:50]}{LOCK}"), "file"):
        yield


def _remove_abandoned(lock: Path) -> None:
    with suppress(OSError):  # no permission
        descriptor = try_lock(lock)
        if descriptor is not None:
            unlock(lock, descriptor)


@contextmanager
def _alone(path: Path, lock: Path, what: str) -> Iterator[None]:
    descriptor = try_lock(lock)
    if descriptor is None:
        raise NightsegError(
            f"{path} is being written by {lock_holder(lock)}; wait for its end, or name another "
            f"{what}"
        )
    try:
        yield
    finally:
        unlock(lock, descriptor)
