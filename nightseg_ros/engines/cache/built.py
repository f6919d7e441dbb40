# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the built engine of a key, or raises with the command that builds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightseg_ros.engines.cache.store import CachedEngine, EngineCache
from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.engines.cache.key import EngineKey


class NeverBuiltError(NightsegError):
    """The engine was never built here; `auto` may ignore that."""


def built_engine(key: EngineKey, name: str, cache: EngineCache | None = None) -> CachedEngine:
    """Return the engine of `key`; `name` is the name of its bundle, for messages.

    For an engine that was built but no longer matches, or is damaged, it is a NightsegError.
    """
    cache = cache or EngineCache()
    found = cache.find(key)
    if found is not None:
        return found
    error = NightsegError if _was_built(cache, key) else NeverBuiltError
    raise error(f"bundle {name}: {cache.why_not(key)}")


def _was_built(cache: EngineCache, key: EngineKey) -> bool:
    if (cache.root / key.folder_name).exists():
        return True
    kept = (entry.engine.key for entry in cache.entries(verify=False) if entry.engine is not None)
    same = ((x.backend, x.precision, x.model) for x in kept)
    return (key.backend, key.precision, key.model) in same
