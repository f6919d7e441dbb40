# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One folder per method: its recipe keys, its Lightning module, its README.

A method is found by its folder: `recipe: NAME` in a recipe file is the folder NAME, whose file
module.py has a `METHOD`. Adding one touches nothing else.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from nightseg_ros.errors import NightsegError


@dataclass(frozen=True)
class Method:
    """The keys of a method's recipes, and what trains by them."""

    config: type
    train: Callable[..., dict[str, Any]]
    """train(config, out, data, *, resume, fast_dev_run) writes all into `out`, and returns the
    figures and the path of the checkpoint; a training that is finished is not repeated."""


def method_names() -> tuple[str, ...]:
    """Return the names of all methods."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def find_method(name: str) -> Method:
    """Return the method of this name."""
    if name not in method_names():
        raise NightsegError(f"recipe is '{name}'; there are {', '.join(method_names())}")
    method: Method = import_module(f"{__name__}.{name}.module").METHOD
    return method
