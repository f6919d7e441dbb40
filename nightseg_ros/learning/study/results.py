# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From counts per image to the figures of a study: one line for each row, set and seed.

The line of seed "all" has the mean over the seeds, its interval, and the gain over the base row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import write_atomically
from nightseg_ros.files.csv_file import write_csv
from nightseg_ros.metrics.drivable import recall
from nightseg_ros.metrics.paired import KEYS, paired_figures
from nightseg_ros.metrics.scores import Counts, Values, miou

if TYPE_CHECKING:
    from nightseg_ros.learning.study.description import Study

ALL = "all"
NUMBERS = ("images", *KEYS)
COLUMNS = ("row", "seed", "set", *NUMBERS, "scale")
Line = dict[str, Any]
PerImage = NDArray[np.int64]
Measure = Callable[[Counts], Values]


class Measured(NamedTuple):
    """What was measured of one row with one seed, and how large its trainings were."""

    counts: Mapping[str, PerImage]
    figures: Mapping[str, float]
    scale: str


Found = Mapping[tuple[str, int], Measured]


def lines_of(study: Study, found: Found) -> list[Line]:
    """Return all lines of the rows and seeds that were measured."""
    lines: list[Line] = []
    for row in study.rows:
        seeds = sorted(seed for name, seed in found if name == row)
        if not seeds:
            continue
        about = {"row": row, "scale": found[row, seeds[0]].scale}
        values: dict[str, dict[int, float]] = {}
        for name, one in study.sets.items():
            if one.mean_of:
                parts = [values[part] for part in one.mean_of]
                values[name] = {seed: mean(part[seed] for part in parts) for seed in seeds}
                whole: dict[str, Any] = {}
            elif one.figure:
                values[name] = {seed: found[row, seed].figures[name] for seed in seeds}
                whole = {}
            else:
                measure = recall if one.measure == "recall" else miou
                totals = {seed: found[row, seed].counts[name].sum(axis=0) for seed in seeds}
                values[name] = {seed: 100 * float(measure(x)) for seed, x in totals.items()}
                images = len(found[row, seeds[0]].counts[name])
                whole = {"images": images, **_paired(study, found, row, name, seeds, measure)}
            whole = {"value": round(mean(values[name].values()), 2), **whole}
            for seed, value in values[name].items():
                lines.append({**about, "set": name, "seed": seed, "value": round(value, 2)})
            lines.append({**about, "set": name, "seed": ALL, **whole})
    return lines


def _paired(
    study: Study, found: Found, row: str, name: str, seeds: Sequence[int], measure: Measure
) -> dict[str, float | None]:
    """Return mean, gain and intervals; no gain where the base lacks a seed so far."""
    ours = [found[row, seed].counts[name] for seed in seeds]
    base = [found[study.base, x].counts[name] for x in seeds if (study.base, x) in found]
    known = KEYS if len(base) == len(ours) else KEYS[:3]
    figures = paired_figures(
        measure,
        ours,
        base if len(base) == len(ours) else ours,
        study.rounds,
        over_seeds=study.over_seeds,
    )
    return {key: figures[key] for key in known}


def write_lines(path: Path, lines: Iterable[Line]) -> None:
    """Write all lines or none."""
    write_csv(path, COLUMNS, ([line.get(column) for column in COLUMNS] for line in lines))


def read_lines(path: Path) -> list[Line]:
    """Return the lines of a results file, none where there is no file."""
    if not path.is_file():
        return []
    lines: list[Line] = []
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        absent = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if absent:
            raise NightsegError(f"{path}: there is no column {', '.join(absent)}")
        for number, line in enumerate(reader, 2):
            try:
                numbers = {key: float(line[key]) if line[key] else None for key in NUMBERS}
                value = float(line["value"])
            except (TypeError, ValueError) as error:
                raise NightsegError(f"{path}:{number}: {line} holds no number ({error})") from error
            if not 0.0 <= value <= 100.0:
                raise NightsegError(f"{path}:{number}: value is {value}; write percent, 0 to 100")
            lines.append({**line, **numbers})
    return lines


def read_counts(path: Path) -> dict[str, PerImage] | None:
    """Return the counts that were kept, None where there are none."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise NightsegError(
            f"{path} is damaged ({error}); delete it, and it is measured again"
        ) from error


def keep_counts(path: Path, counts: Mapping[str, PerImage]) -> None:
    """Keep counts per image by name."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **counts)  # type: ignore[arg-type]
    write_atomically(path, packed.getvalue())
