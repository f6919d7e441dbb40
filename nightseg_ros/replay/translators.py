# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compares a day model at night: directly, after classical enhancement, after translators."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.files.csv_file import write_csv
from nightseg_ros.files.text_table import cell, interval, text_table
from nightseg_ros.metrics.scores import in_percent
from nightseg_ros.perception.letterbox import Letterbox
from nightseg_ros.replay.evaluate import (
    OnSample,
    Predict,
    evaluate_drivable,
    evaluate_predictions,
    is_drivable,
)

if TYPE_CHECKING:
    from nightseg_ros.datasets import DrivingSet

Change = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
FIGURES = ("night", "night_95", "dusk", "recall", "recall_95")
COLUMNS = ("name", "source", "absent", *FIGURES, "parameters", "gmac", "ms", "ms_segmentation")
ROUNDS = 15


@dataclass(frozen=True)
class Method:
    """One row: a change of the frame, at network size, before the day model."""

    name: str
    source: str = ""
    change: Change | None = None
    """None: no change."""
    absent: str = ""
    """Why it cannot be measured."""
    parameters: int = 0
    gmac: float = 0.0


def compare_methods(
    methods: Sequence[Method],
    segment: Predict,
    size: tuple[int, int],
    sets: Mapping[str, DrivingSet],
    *,
    bootstrap: int = 1000,
    on_sample: OnSample | None = None,
) -> list[dict[str, Any]]:
    """Return one row per method, in percent: mIoU for a labelled set, recall for a drivable one."""
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    segmentation_ms = milliseconds(segment, frame)
    rows = []
    for method in methods:
        row: dict[str, Any] = dict.fromkeys(COLUMNS)
        row |= {"name": method.name, "source": method.source, "absent": method.absent}
        rows.append(row)
        if method.absent:
            continue
        row |= {"parameters": method.parameters, "gmac": round(method.gmac, 3)}
        row |= {"ms": 0.0, "ms_segmentation": segmentation_ms}
        if method.change is not None:
            row["ms"] = milliseconds(method.change, frame)
        predict = full_size_predictor(method.change, segment, size)
        for name, dataset in sets.items():
            if is_drivable(dataset):
                recall = evaluate_drivable(dataset, predict, on_sample=on_sample)
                value, spread = recall.recall, recall.interval(bootstrap)
            else:
                scores = evaluate_predictions(dataset, predict, on_sample=on_sample)
                value, spread = scores.miou, scores.interval("miou", bootstrap)
            row[name] = in_percent(value)
            if f"{name}_95" in row:
                row[f"{name}_95"] = [in_percent(bound) for bound in spread]
    return rows


def full_size_predictor(change: Change | None, segment: Predict, size: tuple[int, int]) -> Predict:
    """Return a predictor of masks at the size of any image, like the node."""
    boxes: dict[tuple[int, int], Letterbox] = {}

    def predict(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        shape = (image.shape[0], image.shape[1])
        box = boxes.setdefault(shape, Letterbox(shape, size))
        small = box.apply(image)
        mask = segment(small if change is None else change(small))
        full: NDArray[np.uint8] = box.undo(mask).copy()
        return full

    return predict


def milliseconds(function: Change, frame: NDArray[np.uint8], rounds: int = ROUNDS) -> float:
    """Return the median time of a call, after two warm-up calls."""
    times = []
    for number in range(rounds + 2):
        start = time.perf_counter()
        function(frame)
        if number >= 2:
            times.append(1000 * (time.perf_counter() - start))
    return round(median(times), 2)


def render_methods(result: Mapping[str, Any]) -> str:
    """Return the rows as a table, with the gain over the unchanged frame."""
    header = ["before the day model", "night", "gain", "95 %", "dusk, dark", "recall", "95 %"]
    header += ["params", "GMAC", "ms", "x segm."]
    plain = next((row for row in result["rows"] if row["ms"] == 0.0), None)
    lines, notes = [], []
    for row in result["rows"]:
        if row["absent"]:
            notes.append(f"absent: {row['name']}: {row['absent']}")
            continue
        gain = None if plain is None or row is plain else _difference(row["night"], plain["night"])
        lines.append(
            [
                row["name"],
                cell(row["night"], 2),
                "-" if gain is None else f"{gain:+.2f}",
                interval(row["night_95"], none="-"),
                cell(row["dusk"], 2),
                cell(row["recall"], 2),
                interval(row["recall_95"], none="-"),
                f"{row['parameters'] / 1e6:.2f} M" if row["parameters"] else "-",
                f"{row['gmac']:.2f}" if row["gmac"] else "-",
                f"{row['ms']:.1f}",
                f"{row['ms'] / row['ms_segmentation']:.2f}",
            ]
        )
    sets = ", ".join(f"{name}: {what}" for name, what in result["sets"].items())
    first = next((row for row in result["rows"] if not row["absent"]), None)
    note = f"; the day model takes {first['ms_segmentation']:.1f} ms" if first else ""
    return "\n".join(
        [
            f"through {result['day_model']} at {result['size']}, in percent ({sets})",
            text_table(header, lines),
            f"ms: median on {result['processor']}{note}; only valid if nothing else was running",
            *notes,
        ]
    )


def save_methods(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows as CSV; intervals as LOW to HIGH."""

    def plain(value: object) -> object:
        return interval(value, none="-") if isinstance(value, list) else value

    write_csv(path, COLUMNS, ([plain(row.get(column)) for column in COLUMNS] for row in rows))


def _difference(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b
