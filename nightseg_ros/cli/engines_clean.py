# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg engines clean`: remove engines that are of no more use, or all of them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.cli.engine_rows import engine_rows
from nightseg_ros.cli.options.fields import OneOf, flag
from nightseg_ros.engines.cache.store import EngineCache
from nightseg_ros.errors import NightsegError

KEPT_BESIDE = ("timings-*.cache", "onnxruntime-nvrtx")
"""What builders and ONNX Runtime keep beside the engines to be faster the next time."""
WHICH = OneOf(required=True)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg engines clean`."""

    stale: bool = flag(
        "those of another GPU, version or model, corrupt ones, and unfinished builds", group=WHICH
    )
    all: bool = flag("all of them", group=WHICH)


def run(options: Options) -> dict[str, object]:
    """Remove engines."""
    cache = EngineCache()
    removed: list[dict[str, Any]] = []
    busy: list[dict[str, Any]] = []
    for entry, row in engine_rows(cache):
        if row["state"] == "building":
            busy.append(row)
        elif options.all or row["state"] != "ok":
            gone = cache.remove(entry)
            (removed if gone else busy).append(row)
    if options.all:
        _remove_beside(cache.root)
    freed = sum(int(row["bytes"]) for row in removed)
    return {"dir": str(cache.root), "removed": removed, "busy": busy, "freed_bytes": freed}


def render(result: dict[str, Any]) -> str:
    """Return what was removed."""
    lines = [f"removed {row['name']} ({row['state']})" for row in result["removed"]]
    lines += [f"kept {row['name']}: it is being built" for row in result["busy"]]
    freed = f"{len(result['removed'])} engines removed, {result['freed_bytes'] / 1e6:.1f} MB freed"
    return "\n".join([*lines, freed])


def _remove_beside(root: Path) -> None:
    for pattern in KEPT_BESIDE:
        for path in root.glob(pattern):
            try:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            except OSError as error:
                raise NightsegError(f"cannot remove {path} ({error.strerror})") from error
