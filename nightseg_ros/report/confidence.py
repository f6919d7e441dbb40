# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The section of a report on what confidences are worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nightseg_ros.files.text_table import cell
from nightseg_ros.report import charts
from nightseg_ros.report.page import Card, Section, grid, legend, panels

IDEAL, FOUND = "var(--dim)", "var(--accent)"
_PERCENT = charts.Axis(0.0, 100.0, tuple((float(x), f"{x} %") for x in (0, 25, 50, 75, 100)))


def confidence_section(scores: Mapping[str, Any], calibrated: str) -> Section:
    """Return the reliability diagram and the curve of risk over coverage."""
    whole = charts.value_axis(100.0)
    pixels = [(mean, right) for mean, right, _ in scores["reliability"]]
    diagonal = charts.line([(0.0, 0.0), (100.0, 100.0)], _PERCENT, whole, IDEAL)
    shapes = [diagonal, charts.line(pixels, _PERCENT, whole, FOUND)]
    shapes.append(charts.dots(pixels, _PERCENT, whole, FOUND))
    reliability = charts.plot(
        "Pixels right, %, over confidence", _PERCENT, whole, shapes, height=220, cursor=False
    )
    error = scores["error"] or 0.0
    y = charts.value_axis(max(error, 1.0))
    oracle = [
        (coverage, 100 * max(0.0, coverage - (100 - error)) / coverage)
        for coverage, _ in scores["risk"]
    ]
    curves = [charts.line(oracle, _PERCENT, y, IDEAL)]
    curves.append(charts.line(scores["risk"], _PERCENT, y, FOUND))
    risk = charts.plot(
        "Pixels wrong, %, over the share that is kept",
        _PERCENT,
        y,
        curves,
        height=220,
        cursor=False,
    )
    key = legend({"measured": FOUND, "ideal": IDEAL})
    invalid = f" {cell(scores['invalid'])} % of the labelled pixels are invalid."
    return Section(
        "Confidence",
        panels(key + grid([reliability, risk])),
        f"Calibrated models: {calibrated}. ECE {cell(scores['ece'])} %, AUSE "
        f"{cell(scores['ause'])} %; UIoU {cell(scores['uiou'])} % where confidences below "
        f"{scores['uiou_threshold']:.2f} are invalid, {cell(scores['average_uiou'])} % on average "
        f"over thresholds.{invalid if scores['invalid'] else ''}",
    )


def confidence_card(scores: Mapping[str, Any]) -> Card:
    """Return the error that is left where the surest 80 % are kept."""
    note = f"{cell(scores['error'])} % of all; expected calibration error {cell(scores['ece'])} %"
    return Card("wrong of the surest 80 %", f"{cell(scores['error_at_80'])} %", note)
