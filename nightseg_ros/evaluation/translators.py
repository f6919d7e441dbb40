# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What one day model sees by night: directly, through classical means, through translators."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.atomic import write_atomically
from nightseg_ros.evaluation.evaluate import (
    Predict,
    Seen,
    evaluate_drivable,
    evaluate_predictions,
    is_drivable,
)
from nightseg_ros.evaluation.text_table import cell, in_percent, text_table
from nightseg_ros.learning.datasets import DrivingSet
from nightseg_ros.perception.letterbox import Letterbox

Change = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
FIGURES = ("night", "night_95", "dusk", "recall", "recall_95")
COLUMNS = ("name", "source", "absent", *FIGURES, "parameters", "gmac", "ms", "ms_segmentation")
ROUNDS = 15


@dataclass(frozen=True)
class Way:
    """One row: what is done to a frame, at network size, before the day model sees it."""

    name: str
    source: str = ""
    change: Change | None = None
    """None: the frame stays as it is."""
    absent: str = ""
    """Why there is nothing to measure."""
    parameters: int = 0
    gmac: float = 0.0


def compare_ways(
    ways: Sequence[Way],
    segment: Predict,
    size: tuple[int, int],
    sets: Mapping[str, DrivingSet],
    *,
    bootstrap: int = 1000,
    seen: Seen | None = None,
) -> list[dict[str, Any]]:
    """Return one row per way, its figures in percent; a set gives mIoU, a drivable one recall."""
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    segmentation_ms = milliseconds(segment, frame)
    rows = []
    for way in ways:
        row: dict[str, Any] = dict.fromkeys(COLUMNS)
        row |= {"name": way.name, "source": way.source, "absent": way.absent}
        rows.append(row)
        if way.absent:
            continue
        row |= {"parameters": way.parameters, "gmac": round(way.gmac, 3)}
        row |= {"ms": 0.0, "ms_segmentation": segmentation_ms}
        if way.change is not None:
            row["ms"] = milliseconds(way.change, frame)
        predict = looking_through(way.change, segment, size)
        for name, dataset in sets.items():
            if is_drivable(dataset):
                recall = evaluate_drivable(dataset, predict, seen=seen)
                value, spread = recall.recall, recall.interval(bootstrap)
            else:
                scores = evaluate_predictions(dataset, predict, seen=seen)
                value, spread = scores.miou, scores.interval("miou", bootstrap)
            row[name] = in_percent(value)
            if f"{name}_95" in row:
                row[f"{name}_95"] = [in_percent(bound) for bound in spread]
    return rows


def looking_through(change: Change | None, segment: Predict, size: tuple[int, int]) -> Predict:
    """Return a predictor of masks at the size of any image, as the node does it."""
    boxes: dict[tuple[int, int], Letterbox] = {}

    def predict(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        shape = (image.shape[0], image.shape[1])
        box = boxes.setdefault(shape, Letterbox(shape, size))
        small = box.apply(image)
        mask = segment(small if change is None else change(small))
        whole: NDArray[np.uint8] = box.undo(mask).copy()
        return whole

    return predict


def milliseconds(function: Change, frame: NDArray[np.uint8], rounds: int = ROUNDS) -> float:
    """Return the median time of a call, after two that do not count."""
    times = []
    for number in range(rounds + 2):
        start = time.perf_counter()
        function(frame)
        if number >= 2:
            times.append(1000 * (time.perf_counter() - start))
    return round(median(times), 2)


def render_ways(result: Mapping[str, Any]) -> str:
    """Return the rows as a table, with the gain over the frame as it is."""
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
                _spread(row["night_95"]),
                cell(row["dusk"], 2),
                cell(row["recall"], 2),
                _spread(row["recall_95"]),
                f"{row['parameters'] / 1e6:.2f} M" if row["parameters"] else "-",
                f"{row['gmac']:.2f}" if row["gmac"] else "-",
                f"{row['ms']:.1f}",
                f"{row['ms'] / row['ms_segmentation']:.2f}",
            ]
        )
    sets = ", ".join(f"{name}: {what}" for name, what in result["sets"].items())
    first = next((row for row in result["rows"] if not row["absent"]), None)
    beside = f"; the day model takes {first['ms_segmentation']:.1f} ms" if first else ""
    return "\n".join(
        [
            f"through {result['day_model']} at {result['size']}, in percent ({sets})",
            text_table(header, lines),
            f"ms: median on {result['processor']}{beside}; nothing else may run for them to hold",
            *notes,
        ]
    )


def save_ways(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows as CSV; intervals as LOW to HIGH."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        plain = {key: _spread(row[key]) if isinstance(row[key], list) else row[key] for key in row}
        writer.writerow(plain)
    write_atomically(path, text.getvalue().encode())


def _difference(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def _spread(bounds: Sequence[float | None] | None) -> str:
    if bounds is None or any(bound is None for bound in bounds):
        return "-"
    return f"{bounds[0]:.1f} to {bounds[1]:.1f}"
