# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From counts per image to the file of the sweep: mIoU, intervals, and paired gains.

An interval is a bootstrap over images. Where there are several seeds, each draw of images is scored
with every seed and averaged. The gain over the base row is drawn in pairs, so that how hard the
drawn frames are does not blur it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.evaluation.nisenet_rows import BASE, ROWS
from nightseg_ros.evaluation.scores import Counts, Values, bootstrap_interval, miou

COLUMNS = ("row", "seed", "set", "images", "miou", "low", "high", "gain", "gain_low", "gain_high")
ALL = "all"
Row = dict[str, Any]
PerImage = NDArray[np.int64]


def write_results(
    path: Path, counts: Mapping[int, Mapping[str, PerImage]], scale: str, rounds: int
) -> list[Row]:
    """Write one line for each row, set and seed, and one over all seeds; return them."""
    rows: list[Row] = []
    names = next(iter(counts.values()), {})
    sets = dict.fromkeys(name.partition("/")[2] for name in names)
    for place in sets:
        for row in ROWS:
            key = f"{row}/{place}"
            seeds = [seed for seed in counts if key in counts[seed]]
            for asked in [[seed] for seed in seeds] + ([seeds] if seeds else []):
                ours = [counts[seed][key] for seed in asked]
                base = [counts[seed][f"{BASE}/{place}"] for seed in asked]
                figures = scored(ours, base, rounds)
                seed = ALL if asked is seeds else asked[0]
                rows.append({"row": row, "seed": seed, "set": place, **figures, "scale": scale})
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, (*COLUMNS, "scale"))
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(path)
    return rows


def scored(ours: Sequence[PerImage], base: Sequence[PerImage], rounds: int) -> Row:
    """Return mIoU and gain over the base in percent, with 95 % intervals, averaged over seeds."""
    both = np.stack([np.stack(ours, 1), np.stack(base, 1)], 1)  # (images, 2, seeds, n, n + 1)
    whole = both.sum(axis=0)[None]
    low, high = bootstrap_interval(_own, both, rounds, 0, 0.95)
    gain_low, gain_high = bootstrap_interval(_gain, both, rounds, 0, 0.95)
    values = {
        "miou": float(_own(whole)[0]),
        "low": low,
        "high": high,
        "gain": float(_gain(whole)[0]),
        "gain_low": gain_low,
        "gain_high": gain_high,
    }
    return {"images": len(both), **{key: _percent(value) for key, value in values.items()}}


def summary(rows: Sequence[Row], seed: int) -> list[str]:
    """Return one line per row with the figures of a seed."""
    lines = []
    for row in ROWS:
        told = [
            f"{found['set']} {found['miou']:.1f}"
            for found in rows
            if found["row"] == row and found["seed"] == seed
        ]
        if told:
            lines.append(f"seed {seed}: {row}: {', '.join(told)}")
    return lines


def _own(counts: Counts) -> Values:
    return np.asarray(miou(counts[..., 0, :, :, :]).mean(axis=-1))


def _gain(counts: Counts) -> Values:
    return np.asarray(_own(counts) - miou(counts[..., 1, :, :, :]).mean(axis=-1))


def _percent(share: float) -> float | None:
    return None if np.isnan(share) else round(100 * share, 2)
