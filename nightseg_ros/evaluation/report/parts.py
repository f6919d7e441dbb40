# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sections that reports of drives and of labelled sets share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nightseg_ros.evaluation.report.page import Card, Section
from nightseg_ros.evaluation.report.page import keys as legend
from nightseg_ros.evaluation.report.tables import (
    confusion,
    iou_table,
    measures,
    route_color,
    words,
)
from nightseg_ros.evaluation.text_table import cell
from nightseg_ros.labels import LabelSet


def accuracy_section(
    scores: Mapping[str, Mapping[str, Any]], labels: LabelSet, against: str, drawn: str
) -> Section:
    """Return measures, IoU per class and confusion; `drawn` is what the bootstrap draws."""
    main = list(scores)[-1]
    first = next(iter(scores.values()))
    colors = {name: route_color(name) for name in scores}
    matrices = [
        f"<details{' open' if name == main else ''}><summary>Confusion of {name}</summary>"
        f'<div class="panel">{confusion(figures, labels)}</div></details>'
        for name, figures in list(scores.items())[::-1]
    ]
    unsure = ""
    if "miou_95" in first:
        unsure = f" Intervals are 95 % bootstrap over {drawn} of it."
    return Section(
        "Accuracy",
        f'<div class="panel">{measures(scores)}</div>'
        f'<div class="panel">{legend(colors) if len(scores) > 1 else ""}'
        f"{iou_table(scores, labels)}</div>{''.join(matrices)}",
        f"In percent, {against}: {first['images']} images, {first['labelled_share']:.1f} % of "
        f"their pixels labelled, in the {labels.count} classes of {labels.name}.{unsure} "
        "In the confusion matrix a row is what is there and a column what it was taken for, in "
        "percent of the row.",
    )


def miou_card(name: str, scores: Mapping[str, Any]) -> Card:
    """Return the mean IoU and how sure it is."""
    bounds = scores.get("miou_95")
    spread = f"; 95 %: {bounds[0]:.1f} to {bounds[1]:.1f}" if bounds and None not in bounds else ""
    note = f"{name}, {scores['classes_present']} classes{spread}"
    return Card("mean IoU", f"{cell(scores['miou'])} %", note)


def what_ran(result: Mapping[str, Any]) -> Section:
    """Return models, engines, parameters and machine."""
    rows: dict[str, object] = {}
    code = []
    for role, name in result["models"].items():
        info = result["engines"][role]
        rows[f"{role} model"] = name
        rows[f"{role} engine"] = (
            f"{info['backend']}, {info['provider']}, {info['precision']}, {info['device']}"
        )
        rows[f"{role} sha256"] = result.get("models_sha256", {}).get(role, "")
        code.append(f"{role} sha256")
    for key, name in (
        ("bag", "recording"),
        ("data", "data"),
        ("route", "route"),
        ("label_set", "scored in"),
        ("confidence_threshold", "confidence threshold"),
    ):
        rows[name] = result.get(key)
    if result.get("topics"):
        rows["cameras"] = ", ".join(f"{topic} ({n})" for topic, n in result["topics"].items())
    if result.get("gt"):
        rows["ground truth"] = ", ".join(result["gt"])
    policy = result.get("policy") or {}
    if result["route"] not in ("auto", "all"):
        policy = {}
    rows["route auto"] = ", ".join(
        f"{key} {' '.join(value) if isinstance(value, list) else format(value, 'g')}"
        for key, value in policy.items()
        if value and not isinstance(value, dict)
    )
    rows |= result.get("machine") or {}
    return Section("What ran", f'<div class="panel">{words(rows, code)}</div>')
