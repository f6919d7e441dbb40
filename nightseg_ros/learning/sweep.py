# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How many day frames should become night? One training per answer and seed, and the curve."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import SweepConfig, TrainConfig, load_config

RESULTS = "see_clearer_sweep.csv"
Row = dict[str, Any]


def run_sweep(config: SweepConfig, out: Path, data: str, *, fast_dev_run: bool) -> dict[str, Any]:
    """Run every count with every seed, or what is still missing of it; return the sweet spot."""
    from nightseg_ros.learning.train import train

    base = load_config(Path(config.base))
    if not isinstance(base, TrainConfig):
        raise NightsegError(f"recipe {config.name}: base {config.base} is no segmentation recipe")
    rows: list[Row] = []
    seeds = config.seeds[:1] if fast_dev_run else config.seeds
    for seed in seeds:
        for count in config.counts:
            folder = out / f"converted_{count:04d}_seed_{seed}"
            finished = folder / "result.json"
            if not finished.is_file():
                first, *others = base.train
                first = replace(first, translated=config.translated if count else "", replace=count)
                single = replace(
                    base, name=f"{config.name}_{count}_{seed}", seed=seed, train=(first, *others)
                )
                train(single, folder, data, fast_dev_run=fast_dev_run)
            figures = json.loads(finished.read_text())["figures"]
            for name, value in figures.items():
                rows.append(
                    {
                        "converted": count,
                        "seed": seed,
                        "set": name.removeprefix("miou/"),
                        "miou": value,
                    }
                )
    with (out / RESULTS).open("w", newline="") as file:
        writer = csv.DictWriter(file, ["converted", "seed", "set", "miou"])
        writer.writeheader()
        writer.writerows(rows)
    spot = sweet_spot(rows) if rows else None
    if rows:
        draw_sweep(rows, out / "sweep.png")
    return {"checkpoint": str(out / RESULTS), "figures": summary(rows), "sweet_spot": spot}


def grouped(rows: list[Row]) -> dict[str, dict[int, list[float]]]:
    """Return set -> count -> figures over the seeds."""
    groups: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        groups[str(row["set"])][int(row["converted"])].append(float(row["miou"]))
    return groups


def summary(rows: list[Row]) -> dict[str, str]:
    """Return one line per set and count: mean and spread over the seeds."""
    return {
        f"{name}, {count} converted": f"{mean(values):.1f} ± "
        f"{stdev(values) if len(values) > 1 else 0.0:.1f} ({len(values)} seeds)"
        for name, counts in grouped(rows).items()
        for count, values in sorted(counts.items())
    }


def sweet_spot(rows: list[Row]) -> int:
    """Return the count whose mean over all validation sets and seeds is highest.

    >>> sweet_spot([{"converted": 0, "seed": 0, "set": "mean", "miou": 40.0},
    ...             {"converted": 9, "seed": 0, "set": "mean", "miou": 45.0}])
    9
    """
    averages = grouped(rows).get("mean")
    if not averages:
        raise NightsegError("the sweep has no figure 'mean'; validate on at least one set")
    return max(averages, key=lambda count: mean(averages[count]))


def draw_sweep(rows: list[Row], path: Path) -> None:
    """Draw mean and spread per validation set over the number of converted frames."""
    try:
        import matplotlib
    except ImportError:
        return  # an extra
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 4.5))
    for name, counts in grouped(rows).items():
        xs = sorted(counts)
        middle = [mean(counts[x]) for x in xs]
        spread = [stdev(counts[x]) if len(counts[x]) > 1 else 0.0 for x in xs]
        axis.errorbar(xs, middle, yerr=spread, marker="o", capsize=3, label=name)
    axis.set(xlabel="day frames converted to night", ylabel="mIoU over classes present, %")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
