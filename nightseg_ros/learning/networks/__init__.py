# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One file per network.

A segmentation network is found by its file: one that has `FAMILIES`. Adding one touches nothing
else, as long as the keys of `NetworkConfig` say all there is to say about it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Family:
    """Segmentation networks that have the same keys."""

    names: tuple[str, ...]
    keys: tuple[str, ...]
    """The keys of `NetworkConfig` that they have, beside those that all have."""
    build: Callable[[Any], Any]
    """Makes the `Segmenter` that a `NetworkConfig` describes."""


@cache
def families() -> dict[str, Family]:
    """Return the family of every segmentation network, by the name of the network."""
    files = sorted(file.name for file in pkgutil.iter_modules(__path__))
    found = [getattr(import_module(f"{__name__}.{file}"), "FAMILIES", ()) for file in files]
    return {name: one for several in found for one in several for name in one.names}
