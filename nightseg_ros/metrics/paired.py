# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Averages a figure over seeds, and its gain over a baseline, with intervals over images.

Each bootstrap sample of images is scored with every seed and with both models, so the difficulty of
the drawn frames does not affect the gain. With `over_seeds` a sample is one of seeds too, the same
for both models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.metrics.scores import Counts, Values, bootstrap_interval

PerImage = NDArray[np.int64]
KEYS = ("value", "low", "high", "gain", "gain_low", "gain_high")


def paired_figures(
    measure: Callable[[Counts], Values],
    ours: Sequence[PerImage],
    base: Sequence[PerImage],
    rounds: int = 1000,
    *,
    over_seeds: bool = False,
) -> dict[str, float | None]:
    """Return value and gain in percent with 95 % intervals; counts of the same images per seed.

    >>> road = lambda counts: counts[..., 0] / counts[..., 1]
    >>> paired_figures(road, [np.array([[3, 4], [3, 4]])], [np.array([[1, 4], [1, 4]])])["gain"]
    50.0
    """
    if not ours or len(ours) != len(base) or len({len(one) for one in (*ours, *base)}) != 1:
        raise NightsegError(
            f"counts of {[len(one) for one in ours]} and {[len(one) for one in base]} images; "
            "score all models on the same images, with the same seeds"
        )
    seeds = len(ours)
    drawn = np.random.default_rng(1).multinomial(seeds, [1 / seeds] * seeds, rounds) / seeds

    def both(counts: Counts) -> Values:
        # Models are the axis after those of the bootstrap; classes follow it.
        values = measure(counts)
        weights = drawn if over_seeds and values.ndim > 1 else np.full(seeds, 1 / seeds)
        halves = values[..., :seeds], values[..., seeds:]
        return np.stack([(half * weights).sum(-1) for half in halves], -1)

    def gain(counts: Counts) -> Values:
        values = both(counts)
        return np.asarray(values[..., 0] - values[..., 1])

    def own(counts: Counts) -> Values:
        return np.asarray(both(counts)[..., 0])

    stacked = np.stack([*ours, *base], 1)
    whole = stacked.sum(axis=0)
    low, high = bootstrap_interval(own, stacked, rounds, 0, 0.95)
    gain_low, gain_high = bootstrap_interval(gain, stacked, rounds, 0, 0.95)
    shares = (float(own(whole)), low, high, float(gain(whole)), gain_low, gain_high)
    return {
        key: None if np.isnan(share) else round(100 * share, 2)
        for key, share in zip(KEYS, shares, strict=True)
    }
