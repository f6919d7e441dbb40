# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The highest rate of images that a node sustains, found by trying: doubled, halved, confirmed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

LOSS_ALLOWED = 0.05
FINE = 1.05
"""Two rates closer than this are taken for one."""
SPEED_ALLOWED = 0.95
"""A player that reaches less of the requested rate has not tried it."""
LOWEST_HZ, HIGHEST_HZ = 0.5, 1000.0
CONFIRMATIONS = 4


@dataclass(frozen=True)
class Trial:
    """What came of playing at a rate."""

    hz: float
    reached_hz: float
    missed_share: float
    confirms: bool = False
    """Whether it was a longer one, to confirm what the short ones have found."""

    @property
    def reached(self) -> bool:
        """Whether the images really went out at that rate."""
        return self.reached_hz >= SPEED_ALLOWED * self.hz

    @property
    def held(self) -> bool:
        """Whether the node sustained it."""
        return self.reached and self.missed_share < LOSS_ALLOWED


def highest_rate(attempt: Callable[[float, bool], Trial], start_hz: float) -> dict[str, Any]:
    """Find the highest rate with less than 5 % missed frames.

    `attempt(hz, confirms)` plays at a rate; a confirming attempt should be a longer one. The limit
    is the node, or the player where that cannot send any faster, or the range that is searched.
    """
    trials: list[Trial] = []

    def holds(hz: float, confirms: bool = False) -> bool:
        trials.append(attempt(hz, confirms))
        return trials[-1].held

    low, high = 0.0, min(max(start_hz, LOWEST_HZ), HIGHEST_HZ)
    while holds(high) and high < HIGHEST_HZ:
        low, high = high, min(2.0 * high, HIGHEST_HZ)
    if trials[-1].held:
        low = high
    while not low and high > LOWEST_HZ:
        high = max(high / 2.0, LOWEST_HZ)
        if holds(high):
            low, high = high, 2.0 * high
    while low and high / low > FINE:
        middle = _rounded((low * high) ** 0.5)
        low, high = (middle, high) if holds(middle) else (low, middle)
    for _ in range(CONFIRMATIONS):
        if not low or holds(low, confirms=True):
            break
        low = _rounded(low / FINE)
    best = trials[-1] if low and trials[-1].held else None
    failed = [trial for trial in trials if not trial.held and (best is None or trial.hz > best.hz)]
    nearest = min(failed, key=lambda trial: trial.hz, default=None)
    limit = "range" if nearest is None else "node" if nearest.reached else "player"
    return {
        "hz": None if best is None else best.hz,
        "missed_share": None if best is None else best.missed_share,
        "limit": limit,
        "trials": [asdict(trial) | {"held": trial.held} for trial in trials],
    }


def _rounded(hz: float) -> float:
    return float(f"{hz:.3g}")
