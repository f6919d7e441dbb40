# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of a report: plain ones, IoU of each class with intervals, and confusion matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nightseg_ros.evaluation.report.page import text
from nightseg_ros.evaluation.text_table import cell
from nightseg_ros.labels import LabelSet
from nightseg_ros.routes import CHOICES

Scores = Mapping[str, Any]
"""As `Scores.to_dict` gives them."""


class Html(str):
    """Text of a table cell that is HTML already."""

    __slots__ = ()


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
) -> str:
    """Return a table; columns in `left` are set left, those in `wide` need a wide screen."""

    def kind(column: int) -> str:
        names = ["l"] * (column in left) + ["wide"] * (column in wide)
        return f' class="{" ".join(names)}"' if names else ""

    head = "".join(f"<th{kind(i)}>{text(name)}</th>" for i, name in enumerate(header))
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(f"<td{kind(i)}>{_cell(value)}</td>" for i, value in enumerate(row))
        total = ' class="sum"' if last_is_sum and number == len(rows) else ""
        lines.append(f"<tr{total}>{cells}</tr>")
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cell(value: object) -> str:
    return value if isinstance(value, Html) else text(value)


def words(rows: Mapping[str, object], code: Sequence[str] = ()) -> str:
    """Return name -> text as a table; the values of the names in `code` in type of one width."""
    lines = []
    for name, value in rows.items():
        if value in ("", None):
            continue
        shown = f"<code>{text(value)}</code>" if name in code else text(value)
        lines.append(f"<tr><td>{text(name)}</td><td>{shown}</td></tr>")
    return f'<table class="words"><tbody>{"".join(lines)}</tbody></table>'


def bars(rows: Mapping[str, float]) -> str:
    """Return name -> share as a table with bars."""
    lines = (
        f'<tr><td class="nw">{text(name)}</td><td class="bars"><div class="bar">'
        f'<i style="width:{100 * share:.2f}%"></i></div></td><td>{100 * share:.1f} %</td></tr>'
        for name, share in rows.items()
    )
    return f"<table><tbody>{''.join(lines)}</tbody></table>"


def measures(scores: Mapping[str, Scores]) -> str:
    """Return the measures of the whole, variants side by side."""
    rows = []
    for key, name in MEASURES.items():
        row: list[object] = [name]
        for figures in scores.values():
            low, high = figures.get(f"{key}_95") or (None, None)
            row.append(Html(_with_interval(figures[key], low, high)))
        rows.append(row)
    return table(["%", *scores], rows)


def iou_table(scores: Mapping[str, Scores], labels: LabelSet) -> str:
    """Return the IoU of each class that has pixels: dots with 95 % intervals, and figures."""
    first = next(iter(scores.values()))
    head = "".join(f"<th>{text(name)}</th>" for name in scores)
    lines = []
    for label in labels.labels:
        rows = {name: figures["per_class"][label.name] for name, figures in scores.items()}
        known = first["per_class"][label.name]
        if not known["images"]:
            continue
        numbers = "".join(
            f"<td>{_with_interval(row['iou'], *_bounds(row))}</td>" for row in rows.values()
        )
        lines.append(
            f'<tr><td class="nw">{_chip(label.color)}{text(label.name)}</td>'
            f'<td class="dots wide" style="--k:{max(12, 7 * len(rows))}px"><div>{_dots(rows)}</div>'
            f'</td>{numbers}<td class="wide">{cell(known["share"], 2)}</td>'
            f'<td class="wide">{known["images"]}</td></tr>'
        )
    total = "".join(f"<td>{cell(figures['miou'])}</td>" for figures in scores.values())
    lines.append(
        f'<tr class="sum"><td>mean</td><td class="wide"></td>{total}<td class="wide"></td>'
        f'<td class="wide">{first["images"]}</td></tr>'
    )
    scale = "<div><span>0</span><span>50</span><span>100</span></div>"
    return (
        f'<div class="scroll"><table><thead><tr><th>class</th><th class="scale wide">{scale}</th>'
        f'{head}<th class="wide">% of pixels</th><th class="wide">images</th></tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def confusion(scores: Scores, labels: LabelSet) -> str:
    """Return the confusion matrix in percent of each true class; rows are the truth."""
    counts = np.array(scores["confusion"], np.int64)
    true = counts.sum(axis=1)
    shown = [i for i in range(labels.count) if true[i]]
    columns = [i for i in range(labels.count) if true[i] or counts[:, i].any()]
    names = [labels.names[i] for i in columns]
    if counts[:, -1].any():
        columns, names = [*columns, labels.count], [*names, "no class"]
    head = "".join(f"<th>{text(name)}</th>" for name in names)
    lines = []
    for i in shown:
        cells = []
        for j, name in zip(columns, names, strict=True):
            share = float(counts[i, j] / true[i])
            kind = [*["own"] * (i == j), *["deep"] * (share > 0.55)]
            cells.append(
                f'<td class="{" ".join(kind)}" style="--v:{share:.3f}" '
                f'title="{text(f"{labels.names[i]} taken for {name}: {100 * share:.2f} %")}">'
                f"{f'{100 * share:.0f}' if share >= 0.005 else ''}</td>"
            )
        lines.append(f"<tr><th>{text(labels.names[i])}</th>{''.join(cells)}</tr>")
    return (
        f'<div class="scroll"><table class="matrix"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def class_legend(labels: LabelSet) -> str:
    """Return the classes and their colours."""
    items = (
        f'<span class="key">{_swatch(label.color)}{text(label.name)}</span>'
        for label in labels.labels
    )
    return f'<p class="keys">{"".join(items)}</p>'


def route_color(variant: str) -> str:
    """Return the CSS colour of a route, or of any other name."""
    known = variant in CHOICES
    return f"var(--{variant if known else 'accent'})"


def _swatch(color: Sequence[int]) -> str:
    return f'<i style="background:rgb({",".join(map(str, color))})"></i>'


def _chip(color: Sequence[int]) -> str:
    return _swatch(color).replace("<i ", '<i class="key" ')


def _dots(rows: Mapping[str, Mapping[str, Any]]) -> str:
    parts = []
    for place, (name, row) in enumerate(rows.items()):
        if row["iou"] is None:
            continue
        top = 100 * (place + 0.5) / len(rows)
        color = route_color(name)
        low, high = _bounds(row)
        if low is not None and high is not None:
            parts.append(
                f'<u style="left:{low}%;width:{high - low:.2f}%;top:{top:.0f}%;'
                f'background:{color}"></u>'
            )
        parts.append(f'<b style="left:{row["iou"]}%;top:{top:.0f}%;background:{color}"></b>')
    return "".join(parts)


def _bounds(row: Mapping[str, Any]) -> tuple[float | None, float | None]:
    low, high = row.get("iou_95") or (None, None)
    return low, high


def _with_interval(value: float | None, low: float | None, high: float | None) -> str:
    """Return a figure as HTML, its interval below it."""
    spread = "" if low is None or high is None else f"<small>{low:.1f}–{high:.1f}</small>"
    return f"{cell(value)}{spread}"
