# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of each engine in the cache, for the verbs that list and remove them."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightseg_ros.engines.cache.staleness import Machine, this_machine, why_stale

if TYPE_CHECKING:
    from nightseg_ros.engines.cache.store import EngineCache, Entry


def engine_rows(cache: EngineCache) -> list[tuple[Entry, dict[str, Any]]]:
    """Return every engine of the cache with its row of facts."""
    entries = cache.entries()
    machine = this_machine({entry.engine.key.backend for entry in entries if entry.engine})
    return [(entry, _row(entry, machine)) for entry in entries]


def _row(entry: Entry, machine: Machine) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": entry.folder.name,
        "folder": str(entry.folder),
        "bytes": entry.bytes,
        "state": "ok",
        "problem": entry.problem,
    }
    if entry.engine is not None:
        key = entry.engine.key
        row |= {
            **key.to_dict(),
            "model": Path(key.model).name or key.sha256[:12],
            "kind": key.backend,
            "built": entry.engine.built,
            "age_s": _age(entry.engine.built),
            "proven": entry.engine.proven,
            "facts": dict(entry.engine.facts),
        }
        stale = why_stale(key, machine)
        if not row["problem"] and stale:
            row |= {"state": "stale", "problem": stale}
    if entry.busy:
        row["state"] = "building"
    elif entry.problem:
        row["state"] = "unfinished" if entry.problem.startswith("unfinished") else "corrupt"
    return row


def _age(built: str) -> float | None:
    try:
        return round(time.time() - datetime.fromisoformat(built).timestamp(), 1)
    except ValueError:
        return None
