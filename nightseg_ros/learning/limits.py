# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the values of a recipe may be, and the one message of a value that is something else."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from nightseg_ros.errors import NightsegError

AUTO = "auto"
PRECISIONS = (AUTO, "32-true", "bf16-mixed", "16-mixed")


class Limit(NamedTuple):
    """What is allowed, in words, and whether a value is."""

    allowed: str
    holds: Callable[[Any], bool]


def require(where: str, config: object, **limits: Limit) -> None:
    """Refuse a configuration with a value outside its limit; nan and infinity are in none.

    `where` is a subject such as "recipe x", or the keys above, such as "network.".
    """
    subject = where if where.endswith(".") else f"{where}: "
    for key, limit in limits.items():
        value = getattr(config, key)
        numbers = value if isinstance(value, tuple) else (value,)
        finite = all(math.isfinite(x) for x in numbers if isinstance(x, int | float))
        if not finite or not limit.holds(value):
            raise NightsegError(f"{subject}{key} is {_shown(value)}; use {limit.allowed}")


def _shown(value: object) -> object:
    return list(value) if isinstance(value, tuple) else repr(value)


def at_least(low: float) -> Limit:
    """Allow `low` and all numbers above."""
    return Limit(f"{low:g} or more", lambda x: x >= low)


def above(low: float) -> Limit:
    """Allow all numbers above `low`."""
    return Limit(f"a number above {low:g}", lambda x: x > low)


def within(low: float, high: float) -> Limit:
    """Allow `low`, `high` and all numbers between."""
    return Limit(f"{low:g} to {high:g}", lambda x: low <= x <= high)


def share_below_one() -> Limit:
    """Allow 0 and all numbers below 1."""
    return Limit("0 or more, less than 1", lambda x: 0 <= x < 1)


def share_above_zero() -> Limit:
    """Allow 1 and all numbers down to above 0."""
    return Limit("more than 0, at most 1", lambda x: 0 < x <= 1)


def rising(low: float, high: float, *, strictly: bool = False, from_above: bool = False) -> Limit:
    """Allow two numbers, the lower one first; equal ones and the `low` itself where not barred."""

    def holds(pair: tuple[float, float]) -> bool:
        first, second = pair
        if (strictly and first == second) or (from_above and first == low):
            return False
        return low <= first <= second <= high

    start = f"above {low:g}" if from_above else f"{low:g}"
    order = "the lower one first" if strictly else "the lower one first, or the same twice"
    return Limit(f"two numbers from {start} to {high:g}, {order}", holds)


def one_of(names: Collection[str]) -> Limit:
    """Allow these texts."""
    listed = ", ".join(names)
    return Limit(f"one of {listed}" if len(names) > 1 else listed, lambda x: x in names)


def filled(what: str) -> Limit:
    """Allow a list or a text that is not empty."""
    return Limit(what, bool)


def each(limit: Limit) -> Limit:
    """Allow a list of one value or more, all of them within `limit`."""
    allowed = f"1 value or more, each {limit.allowed}"
    return Limit(allowed, lambda xs: len(xs) >= 1 and all(map(limit.holds, xs)))


def sides(step: int, least: int) -> Limit:
    """Allow a height and a width that are multiples of `step`, `least` or more."""
    return Limit(
        f"height and width as multiples of {step}, {least} or more",
        lambda pair: all(side % step == 0 and side >= least for side in pair),
    )
