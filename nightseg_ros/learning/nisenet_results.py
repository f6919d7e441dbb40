# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From counts per image to the file of the sweep: mIoU, intervals, and paired gains.

An interval is a bootstrap over images. Where there are several seeds, each draw of images is scored
with every seed and averaged. The gain over the base row is drawn in pairs, so that how hard the
drawn frames are does not blur it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.evaluation.nisenet_rows import BASE, ROWS
from nightseg_ros.evaluation.paired import paired_figures
from nightseg_ros.evaluation.scores import miou
from nightseg_ros.learning.sweep_runs import write_rows

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
                figures = paired_figures(miou, ours, base, rounds)
                seed = ALL if asked is seeds else asked[0]
                about = {"row": row, "seed": seed, "set": place, "images": len(ours[0])}
                own = {"miou": figures.pop("value")}
                rows.append({**about, **own, **figures, "scale": scale})
    write_rows(path, (*COLUMNS, "scale"), rows)
    return rows


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
