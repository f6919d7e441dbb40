# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Digests of the files that a recipe names, to know whether they are still the same."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from nightseg_ros.datasets.catalog import open_sets, parse_spec
from nightseg_ros.errors import NightsegError


def input_digests(plain: Mapping[str, Any], data: str) -> dict[str, str]:
    """Return a digest of the files behind every text that names a file, a folder or a data set."""
    digests = {}
    for key, value in plain.items():
        if key.rpartition(".")[2] in ("name", "recipe"):
            continue
        texts = value if isinstance(value, list) else [value]
        files = [f for text in texts if isinstance(text, str) for f in _files_of(key, text, data)]
        if files:
            digests[key] = _digest(files)
    return digests


def _files_of(key: str, text: str, data: str) -> list[Path]:
    if not text or ("{data}" in text and not data):
        return []
    path = Path(expanded := text.replace("{data}", data).removeprefix("module:"))
    if path.is_file():  # the keys of other recipes are in the record, those of a label set are not
        return [] if path.suffix == ".yaml" and key != "labels" else [path]
    try:
        spec = parse_spec(expanded)
        if not spec.root.is_dir():
            return []
        # All times of day: to measure them takes longer than to read the files.
        whole = ":".join(part for part in (spec.layout, str(spec.root), spec.split) if part)
        sets = open_sets(whole)
    except NightsegError:  # no data set, or one that the recipe itself will refuse
        return sorted(p for p in path.glob("*") if p.is_file()) if path.is_dir() else []
    return [
        file
        for part in sets
        for sample in part.samples
        for file in (sample.image, sample.label, sample.invalid)
        if file is not None
    ]


def _digest(files: Collection[Path]) -> str:
    """Return a digest of names and contents; where the files lie does not matter."""
    whole = hashlib.blake2b(digest_size=16)
    for path in files:
        try:
            state = path.stat()
            whole.update(path.name.encode() + _content(path, state.st_size, state.st_mtime_ns))
        except OSError:  # the recipe itself will say what is wrong with it
            whole.update(path.name.encode())
    return f"{len(files)} files {whole.hexdigest()}"


@lru_cache(maxsize=1_000_000)
def _content(path: Path, _size: int, _changed: int) -> bytes:
    """Return the digest of a file, read once by a process as long as it stays the same."""
    with path.open("rb") as file:
        found = hashlib.blake2b(digest_size=16)
        while block := file.read(1 << 20):
            found.update(block)
    return found.digest()
