# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""engine.json: size and hash of an engine's files, so that no damaged engine is loaded."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nightseg_ros.engines.cache.key import EngineKey
from nightseg_ros.errors import NightsegError
from nightseg_ros.files import atomic

FORMAT = 1
RECORD = "engine.json"


@dataclass(frozen=True)
class CachedEngine:
    """A built engine with verified files in the folder `path`."""

    path: Path
    key: EngineKey
    facts: Mapping[str, Any] = field(default_factory=dict)
    bytes: int = 0
    built: str = ""

    @property
    def proven(self) -> bool:
        """Whether its masks matched the reference when it was built (the fact `parity`)."""
        return bool(self.facts.get("parity"))


def read_engine(folder: Path, key: EngineKey | None = None, *, verify: bool = True) -> CachedEngine:
    """Return the engine in `folder`; ValueError or OSError where it is incomplete."""
    record = read_record(folder)
    found = EngineKey.from_dict(record["key"])
    if found.folder_name != folder.name or key not in (None, found):
        raise ValueError(f"{RECORD} describes another engine")
    path = folder / record["folder"]
    for name, (size, digest) in record["files"].items():
        file = path / name
        if (there := file.stat().st_size) != size:
            raise ValueError(f"{name} has {there} bytes, not {size}")
        if verify and _sha256(file) != digest:
            raise ValueError(f"{name} is not what was written")
    total = sum(size for size, _ in record["files"].values())
    return CachedEngine(path, found, record["facts"], total, record["built"])


def read_record(folder: Path) -> dict[str, Any]:
    """Return engine.json after checking the type of every field."""
    try:
        record = json.loads((folder / RECORD).read_bytes())
    except RecursionError as error:
        raise ValueError(f"{RECORD} is nested too deeply") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise ValueError(f"{RECORD} is not of format {FORMAT}")
    types = {"key": dict, "folder": str, "files": dict, "facts": dict, "built": str}
    for name, wanted in types.items():
        if not isinstance(record.get(name), wanted):
            raise ValueError(f"{RECORD} has no {name}")
    for name in (record["folder"], *(part for file in record["files"] for part in file.split("/"))):
        if name in ("", ".", "..") or "/" in name or "\0" in name:
            raise ValueError(f"{RECORD} names {name!r}")
    for entry in record["files"].values():
        if not (isinstance(entry, list) and [type(x) for x in entry] == [int, str]):
            raise ValueError(f"{RECORD} has no size and hash of every file")
    if not record["files"]:
        raise ValueError(f"{RECORD} names no files")
    return record


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Replace engine.json atomically, and sync it to the disk."""
    atomic.write_all_atomically({folder / RECORD: json.dumps(record, indent=2).encode()})
    _sync_folder(folder)


def synced_files(target: Path) -> dict[str, tuple[int, str]]:
    """Sync all files to the disk and return relative name -> (size, sha256)."""
    files = {}
    for path in sorted(target.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
            files[path.relative_to(target).as_posix()] = (path.stat().st_size, _sha256(path))
        else:
            _sync_folder(path)
    _sync_folder(target)
    if not files:
        raise NightsegError("the builder wrote no file: there is nothing to keep")
    return files


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path, keep: str = "") -> None:
    """Remove the remains of killed builds in `folder`; keep what engine.json names."""
    with suppress(OSError, ValueError):
        keep = keep or str(read_record(folder)["folder"])
    atomic.sweep(folder)
    for path in folder.iterdir():
        if path.name.startswith("build-") and path.name != keep:
            shutil.rmtree(path, ignore_errors=True)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def reason(error: Exception) -> str:
    """Return briefly why an entry cannot be read."""
    if isinstance(error, OSError):
        return f"{error.strerror}: {Path(str(error.filename)).name}"
    return " ".join(str(error).split())[:200]
