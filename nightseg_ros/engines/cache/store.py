# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The built engines in the user's cache folder, loaded only after verification.

    ROOT/<key.folder_name>/engine.json      key, facts, and name, size and hash of every file
    ROOT/<key.folder_name>/build-<random>/  the files of the engine

A build goes into a new build folder, and becomes the engine when engine.json, replaced by one
rename, names it. So a build that fails or is killed changes nothing, and the old engine stays.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from nightseg_ros.engines.cache.key import FOLDER, EngineKey
from nightseg_ros.engines.cache.record import (
    FORMAT,
    RECORD,
    CachedEngine,
    read_engine,
    read_record,
    reason,
    sweep,
    synced_files,
    write_record,
)
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.locks import Log, file_lock, is_locked, lock_if_free, progress_lines

__all__ = ["CachedEngine", "EngineCache", "EngineKey", "Entry", "cache_dir"]

FULL = (errno.ENOSPC, errno.EDQUOT)
LEAST_FREE = 1 << 20

Builder = Callable[[Path], Mapping[str, Any]]
"""Writes an engine's files into the given folder, and returns facts for engine.json."""


@dataclass(frozen=True)
class Entry:
    """One folder of the cache; `engine` is None where engine.json cannot be read."""

    folder: Path
    engine: CachedEngine | None
    bytes: int
    problem: str = ""
    busy: bool = False


def cache_dir() -> Path:
    """Return the cache folder; never in the installation, which may be read-only."""
    if named := os.environ.get("NIGHTSEG_ENGINE_CACHE"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME", "")
    if Path(base).is_absolute():  # the XDG specification ignores relative ones
        return Path(base) / "nightseg_ros" / "engines"
    try:
        return Path.home() / ".cache" / "nightseg_ros" / "engines"
    except RuntimeError as error:
        raise NightsegError(
            "this user has no home folder; set NIGHTSEG_ENGINE_CACHE to a folder for engines"
        ) from error


class EngineCache:
    """The engines under one folder."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root if root is not None else cache_dir()

    def find(self, key: EngineKey) -> CachedEngine | None:
        """Return the engine of `key` if it exists and is complete; else `why_not` explains."""
        for _ in range(2):  # a build in another process may have replaced it meanwhile
            try:
                return read_engine(self.root / key.folder_name, key)
            except (OSError, ValueError):
                continue
        return None

    def why_not(self, key: EngineKey) -> str:
        """Return "" where `find` returns an engine, else the reason and the command that helps."""
        folder = self.root / key.folder_name
        build = f"build it with `{key.build_command}`"
        if self.find(key) is not None:
            return ""
        try:
            read_engine(folder, key)
        except FileNotFoundError:
            if not (folder / RECORD).exists():
                nothing = f"there is no {key.backend} engine for {key.device} in {self.root}"
                return f"{self._nearest(key) or nothing}; {build}"
            return f"the engine in {folder} is corrupt (files are missing); {build}"
        except (OSError, ValueError) as error:
            return f"the engine in {folder} is corrupt ({reason(error)}); {build}"
        return ""

    def build(
        self, key: EngineKey, builder: Builder, log: Log = lambda _: None, *, force: bool = False
    ) -> CachedEngine:
        """Return the engine of `key`, built by `builder` where it is missing or with `force`.

        One process builds, others wait and use its engine. While it builds or waits, a thread
        calls `log` every five seconds. A failure keeps the old engine.
        """
        what = f"the {key.backend} engine of {Path(key.model).name or key.sha256[:12]}"
        if not force and (there := self.find(key)) is not None:
            return there
        folder = self.root / key.folder_name
        before = self.find(key)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with file_lock(self._lock(folder), what, log):
                there = self.find(key)
                if there is None and (folder / RECORD).exists():
                    log(f"{self.why_not(key).partition(';')[0]}; building it again")
                if there is None or (force and there == before):
                    with progress_lines(f"building {what}", log):
                        self._build(folder, key, builder)
        except OSError as error:
            if not self._concerns_cache(error):
                raise
            raise self._unwritable(error) from error
        if (there := self.find(key)) is None:
            raise NightsegError(f"{what} was built but has disappeared: {self.why_not(key)}")
        return there

    def note(self, engine: CachedEngine, facts: Mapping[str, Any]) -> CachedEngine:
        """Add facts to an engine, for example that its masks are correct."""
        folder = self.root / engine.key.folder_name
        try:
            with file_lock(self._lock(folder), "the engine", lambda _: None):
                record = read_record(folder)
                record["facts"] = {**record["facts"], **facts}
                write_record(folder, record)
        except (OSError, ValueError) as error:
            problem = error if isinstance(error, OSError) else OSError(0, reason(error))
            raise self._unwritable(problem) from error
        return self.find(engine.key) or engine

    def entries(self, *, verify: bool = True) -> list[Entry]:
        """Return all entries of the cache, by name; `verify` reads and hashes every file."""
        try:
            folders = sorted(path for path in self.root.iterdir() if FOLDER.search(path.name))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise NightsegError(
                f"cannot read the engine cache {self.root} ({error.strerror}); "
                "name another folder with NIGHTSEG_ENGINE_CACHE"
            ) from error
        return [self._entry(folder, verify=verify) for folder in folders]

    def remove(self, entry: Entry) -> bool:
        """Remove one entry unless a process is building it; return whether it is gone."""
        try:
            with lock_if_free(self._lock(entry.folder)) as free:
                if not free:
                    return False
                # First: without it the rest is not an engine.
                (entry.folder / RECORD).unlink(missing_ok=True)
                shutil.rmtree(entry.folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise self._unwritable(error) from error
        return True

    def discard(self, engine: CachedEngine) -> None:
        """Remove an engine that turned out to be wrong."""
        self.remove(Entry(self.root / engine.key.folder_name, engine, engine.bytes))

    def _build(self, folder: Path, key: EngineKey, builder: Builder) -> None:
        """Build into a new folder and let engine.json name it; the caller holds the lock."""
        folder.mkdir(exist_ok=True)
        sweep(folder)
        target = Path(tempfile.mkdtemp(prefix="build-", dir=folder))
        try:
            target.chmod(0o755)  # mkdtemp makes private folders
            facts = dict(builder(target))
            record = {
                "format": FORMAT,
                "key": key.to_dict(),
                "folder": target.name,
                "files": synced_files(target),
                "facts": facts,
                "built": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            }
            write_record(folder, record)
        except BaseException as error:
            # A library that cannot write reports it in its own way, if at all.
            full = shutil.disk_usage(folder).free < LEAST_FREE
            shutil.rmtree(target, ignore_errors=True)
            with suppress(OSError):
                folder.rmdir()  # fails, as intended, where it holds an older engine
            if full and isinstance(error, Exception):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            raise
        sweep(folder, keep=target.name)

    def _entry(self, folder: Path, *, verify: bool) -> Entry:
        size = 0
        with suppress(OSError):  # a builder may be writing into it
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        busy = is_locked(self._lock(folder))
        engine: CachedEngine | None = None
        try:
            engine = read_engine(folder, verify=False)
            if verify:
                read_engine(folder)
        except (OSError, ValueError) as error:
            there = (folder / RECORD).exists()
            problem = f"corrupt: {reason(error)}" if there else "unfinished build"
            return Entry(folder, engine, size, "" if busy else problem, busy)
        return Entry(folder, engine, size, "", busy)

    def _nearest(self, key: EngineKey) -> str:
        """Return how the most similar engine differs from `key`, or an empty text."""
        for entry in self.entries(verify=False):
            if entry.engine is None:
                continue
            other = entry.engine.key
            same = (other.backend, other.precision, other.height, other.width, other.batch)
            if same != (key.backend, key.precision, key.height, key.width, key.batch):
                continue
            where = f"the engine in {entry.folder} is stale: it was built"
            if other.sha256 != key.sha256:
                if key.model and other.model == key.model:
                    return f"{where} from an earlier {Path(key.model).name}"
            elif other.device != key.device:
                return f"{where} for {other.device}, this is {key.device}"
            else:
                return f"{where} by {other.backend} {other.version}, here is {key.version}"
        return ""

    def _lock(self, folder: Path) -> Path:
        return self.root / f"{folder.name}.lock"

    def _concerns_cache(self, error: OSError) -> bool:
        """Return whether an error concerns the cache, not another file of a builder."""
        name = str(error.filename or self.root)
        return error.errno in FULL or name.startswith(str(self.root))

    def _unwritable(self, error: OSError) -> NightsegError:
        """Return a clear error about a disk that is full, read-only or forbidden."""
        if error.errno in FULL:
            return NightsegError(
                f"no space left for an engine in {self.root}; nothing was changed: free some, for "
                "example with `nightseg engines clean --stale`, or name a folder on another disk "
                "with NIGHTSEG_ENGINE_CACHE"
            )
        return NightsegError(
            f"the engine cache {self.root} cannot be written ({error.strerror}); nothing "
            "was changed: name a writable folder with NIGHTSEG_ENGINE_CACHE"
        )
