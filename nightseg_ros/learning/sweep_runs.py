# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What all sweeps share: trainings that go on where they were, kept counts, and a file of rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.atomic import write_atomically
from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import TrainConfig, load_config
from nightseg_ros.learning.tensor_set import Sets, TensorSet

Counts = dict[str, NDArray[np.int64]]


def single_recipe(sweep: str, path: str, kind: type[Any], overrides: Sequence[str] = ()) -> Any:
    """Return the recipe of a single training, which must be of this kind and no other."""
    found = load_config(Path(path), overrides)
    if type(found) is not kind:
        raise NightsegError(
            f"recipe {sweep}: {path} is a recipe {found.recipe}, need {kind.recipe}"
        )
    return found


def run_single(
    single: TrainConfig,
    folder: Path,
    data: str,
    parts: list[TensorSet],
    validation: Sets | None = None,
    *,
    fast_dev_run: bool,
) -> dict[str, Any]:
    """Train one network of a sweep, from its last checkpoint where it was stopped."""
    from nightseg_ros.learning.train import run_segmentation

    begin(folder, single.seed)
    loaded = (parts, validation or {})
    result = run_segmentation(
        single, folder, data, resume=True, fast_dev_run=fast_dev_run, loaded=loaded
    )
    drop_checkpoints(folder)
    return result


def begin(folder: Path, seed: int) -> None:
    """Make a training's folder, and let chance begin with its seed."""
    folder.mkdir(parents=True, exist_ok=True)
    lightning.seed_everything(seed, workers=True, verbose=False)


def drop_checkpoints(folder: Path) -> None:
    """Remove what only a training that goes on needs."""
    for rest in ("last.ckpt", "epoch.ckpt"):
        (folder / rest).unlink(missing_ok=True)


def read_counts(path: Path) -> Counts | None:
    """Return the counts that were kept, None where there are none."""
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as kept:
        return {name: kept[name] for name in kept.files}


def keep_counts(path: Path, counts: Counts) -> None:
    """Keep counts per image by name."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **counts)  # type: ignore[arg-type]
    write_atomically(path, packed.getvalue())


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV, all of them or none."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue().encode())
