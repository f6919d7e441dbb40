# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The built engine that belongs to a key, or why there is none and which command builds it."""

from __future__ import annotations

from nightseg_ros.engines.cache import CachedEngine, EngineCache
from nightseg_ros.engines.cache_key import EngineKey
from nightseg_ros.errors import NightsegError


class NeverBuiltError(NightsegError):
    """Nobody has ever built this engine here: whoever did not ask for it misses nothing."""


def built_engine(key: EngineKey, name: str, cache: EngineCache | None = None) -> CachedEngine:
    """Return the engine of `key`; `name` is that of its bundle, for messages.

    One that was built and does not fit any more, or is damaged, is a plain NightsegError.
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
