# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of a report: plain ones, IoU of each class with intervals, and confusion matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nightseg_ros.report.page import legend
from nightseg_ros.report.render import macro, rgb

if TYPE_CHECKING:
    from markupsafe import Markup

    from nightseg_ros.labels.label_set import LabelSet

Scores = Mapping[str, Any]
"""As `Scores.to_dict` gives them."""

MEASURES = {
    "miou": "mean IoU",
    "miou_all": "mean IoU, classes without pixels as 0",
    "fwiou": "frequency-weighted IoU",
    "pixel_accuracy": "pixel accuracy",
    "class_accuracy": "class accuracy",
}


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    left: Sequence[int] = (0,),
    wide: Sequence[int] = (),
    last_is_sum: bool = False,
) -> Markup:
    """Return a table; columns in `left` are set left, those in `wide` need a wide screen."""
    return macro("parts.html", "table", header, rows, left=left, wide=wide, last_is_sum=last_is_sum)


def listing(rows: Mapping[str, object], code: Sequence[str] = ()) -> Markup:
    """Return name -> text as a table; the values of the names in `code` are monospaced."""
    return macro("parts.html", "listing", rows, code)


def bars(rows: Mapping[str, float]) -> Markup:
    """Return name -> share as a table with bars."""
    return macro("parts.html", "bars", rows)


def measures(scores: Mapping[str, Scores]) -> Markup:
    """Return the measures of the whole, variants side by side."""
    rows = [
        [name, *(_figure(whole[key], whole.get(f"{key}_95")) for whole in scores.values())]
        for key, name in MEASURES.items()
    ]
    return table(["%", *scores], rows)


def _figure(value: float | None, bounds: Sequence[float | None] | None) -> Markup:
    return macro("accuracy.html", "figure", value, bounds)


def iou_table(scores: Mapping[str, Scores], labels: LabelSet) -> Markup:
    """Return the IoU of each class that has pixels: dots with 95 % intervals, and figures."""
    return macro("accuracy.html", "iou_table", scores, labels)


def confusion(scores: Scores, labels: LabelSet) -> Markup:
    """Return the confusion matrix in percent of each true class; rows are the truth."""
    counts = np.array(scores["confusion"], np.int64)
    true = counts.sum(axis=1)
    columns = [i for i in range(labels.count) if true[i] or counts[:, i].any()]
    names = [labels.names[i] for i in columns]
    if counts[:, -1].any():
        columns, names = [*columns, labels.count], [*names, "no class"]
    rows = [
        (name, (counts[i, columns] / true[i]).tolist())
        for i, name in enumerate(labels.names)
        if true[i]
    ]
    return macro("accuracy.html", "confusion", names, rows)


def class_legend(labels: LabelSet) -> Markup:
    """Return the classes and their colours."""
    return legend({label.name: rgb(label.color) for label in labels.labels})
