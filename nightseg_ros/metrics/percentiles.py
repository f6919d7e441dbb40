# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Percentiles, in the one definition for all measured times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def percentile(rising: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values lie; they must be sorted.

    It equals numpy's default, linear between two neighbours, without the cost of an array, since
    the node computes it for every frame.

    >>> round(percentile([float(value) for value in range(1, 11)], 0.95), 2)
    9.55
    """
    position = share * (len(rising) - 1)
    below = int(position)
    above = min(below + 1, len(rising) - 1)
    return rising[below] + (position - below) * (rising[above] - rising[below])


def percentiles(values: Iterable[float]) -> dict[str, float] | None:
    """Return p50, p95, p99 and the maximum; None for no values.

    >>> percentiles([10.0, 30.0, 20.0])["p50"]
    20.0
    """
    rising = sorted(map(float, values))
    if not rising:
        return None
    named = {f"p{percent}": percentile(rising, percent / 100) for percent in (50, 95, 99)}
    return {**named, "max": rising[-1]}
