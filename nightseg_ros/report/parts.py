# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sections that reports of drives and of labelled sets share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from nightseg_ros.files.text_table import cell, interval
from nightseg_ros.report.page import Card, Section, legend, panels
from nightseg_ros.report.render import macro, route_color
from nightseg_ros.report.tables import confusion, iou_table, listing, measures

if TYPE_CHECKING:
    from nightseg_ros.labels.label_set import LabelSet


def accuracy_section(
    scores: Mapping[str, Mapping[str, Any]], labels: LabelSet, against: str, drawn: str
) -> Section:
    """Return measures, IoU per class and confusion; `drawn` is what the bootstrap draws."""
    first = next(iter(scores.values()))
    colors = {name: route_color(name) for name in scores}
    key = legend(colors) if len(colors) > 1 else Markup()
    matrices = {
        name: confusion(figures, labels) for name, figures in reversed(list(scores.items()))
    }
    unsure = ""
    if "miou_95" in first:
        unsure = f" Intervals are 95 % bootstrap over {drawn} of it."
    return Section(
        "Accuracy",
        panels(measures(scores), key + iou_table(scores, labels))
        + macro("accuracy.html", "matrices", matrices),
        f"In percent, {against}: {first['images']} images, {first['labelled_share']:.1f} % of "
        f"their pixels labelled, in the {labels.count} classes of {labels.name}.{unsure} "
        "In the confusion matrix a row is what is there and a column what it was taken for, in "
        "percent of the row.",
    )


def miou_card(name: str, scores: Mapping[str, Any]) -> Card:
    """Return the mean IoU and its interval."""
    spread = interval(scores.get("miou_95"), "; 95 %: {}")
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
    return Section("What ran", panels(listing(rows, code)))
