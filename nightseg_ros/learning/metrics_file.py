# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""csv/metrics.csv of a training, whole even if it was stopped and resumed, and its picture.

The logger begins the file anew in every process. So what a resumed training logged before is set
aside, and joined with the new rows at the end.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from nightseg_ros.files.csv_file import write_csv

Rows = Sequence[Mapping[str, str]]


def metrics_path(out: Path) -> Path:
    """Return where the logger writes the metrics of a training."""
    return out / "csv" / "metrics.csv"


def read_metrics(path: Path) -> list[dict[str, str]]:
    """Return the rows of a file of metrics, none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def set_metrics_aside(out: Path, step: int) -> None:
    """Keep the rows before `step`, at which the training is resumed; later ones come again."""
    path = metrics_path(out)
    rows = [row for row in read_metrics(path) if int(row["step"]) < step]
    if rows:
        _write(path.with_name(f"before_{step:09d}.csv"), rows)


def join_metrics(out: Path) -> None:
    """Write the rows that were set aside, and those since, as one file."""
    path = metrics_path(out)
    earlier = sorted(path.parent.glob("before_*.csv"))
    if not earlier:
        return
    _write(path, [row for part in (*earlier, path) for row in read_metrics(part)])
    for part in earlier:
        part.unlink()


def forget_metrics(out: Path) -> None:
    """Remove what was set aside of an earlier training."""
    for part in metrics_path(out).parent.glob("before_*.csv"):
        part.unlink()


def _write(path: Path, rows: Rows) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    write_csv(path, names, [[row.get(name, "") for name in names] for row in rows])


def draw_curve(out: Path) -> None:
    """Draw loss and validation figures over the steps as curve.png, if there are any."""
    try:
        import matplotlib
    except ImportError:
        return  # an extra
    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = read_metrics(metrics_path(out))
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
    for name in dict.fromkeys(name for row in rows for name in row):
        points = [(int(r["step"]), float(r[name])) for r in rows if r.get(name)]
        if not points or name in ("step", "epoch"):
            continue
        axis = right if name.startswith("miou") else left
        axis.plot(*zip(*points, strict=True), label=name)
    for axis, title in ((left, "loss"), (right, "validation mIoU, %")):
        axis.set(title=title, xlabel="step")
        if axis.lines:
            axis.legend(fontsize=8)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(out / "curve.png", dpi=110)
    pyplot.close(figure)
