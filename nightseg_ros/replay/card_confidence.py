# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The section of a model card on what the confidence of the model is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nightseg_ros.files.text_table import cell
from nightseg_ros.metrics.confidence import BINS

if TYPE_CHECKING:
    from nightseg_ros.bundles.calibration import Calibration

KEPT = ("ece", "ause", "error_at_80", "uiou", "average_uiou")
"""The figures of an evaluation that model.yaml keeps."""
SHOWN = (100, 90, 80, 60, 40)
"""Shares of the surest pixels whose error is shown."""


def confidence_lines(
    scores: Mapping[str, Mapping[str, Any]],
    titles: Mapping[str, str],
    calibration: Calibration | None,
) -> list[str]:
    """Return the section as Markdown; `scores` are those of each set, `titles` their names."""
    if not scores:
        return []
    heads = ["set", "ECE", "AUSE", "UIoU", "average UIoU", *(f"wrong of {x} %" for x in SHOWN)]
    lines = ["## Confidence", "", _calibrated(calibration), ""]
    lines += [_row(heads), "|---" * len(heads) + "|"]
    for key, one in scores.items():
        risk = {round(coverage): error for coverage, error in one["risk"]}
        shown = [one[name] for name in ("ece", "ause", "uiou", "average_uiou")]
        lines.append(_row([titles[key], *map(cell, [*shown, *(risk[x] for x in SHOWN)])]))
    lines += ["", _row(["confidence: right, %", *(titles[key] for key in scores)])]
    lines.append("|---" * (1 + len(scores)) + "|")
    bins = [
        {int(min(mean * BINS / 100, BINS - 1)): right for mean, right, _ in one["reliability"]}
        for one in scores.values()
    ]
    for place in range(BINS):
        if any(place in right for right in bins):
            name = f"{100 * place / BINS:.0f} to {100 * (place + 1) / BINS:.0f} %"
            lines.append(_row([name, *(cell(right.get(place)) for right in bins)]))
    lines += [
        "",
        "All in percent. *Wrong of 80 %* is the error of the 80 % of pixels with the highest "
        "confidence. UIoU is that of the best threshold. In sets without masks of invalid pixels, "
        "dropping a wrong pixel gains and dropping a right one costs.",
        "",
    ]
    return lines


def _calibrated(calibration: Calibration | None) -> str:
    if calibration is None:
        return "The confidence is the soft-max of the network; `nightseg calibrate` was not run."
    found = calibration.measured.get("not_fitted_on", {})
    parts = [
        f"{name} {cell(row['ece'])} % (before {cell(row['ece_before'])} %)"
        for name, row in found.items()
    ]
    return (
        "The confidence is calibrated by light and class. Expected calibration error on drives "
        f"that it was not fitted on: {', '.join(parts) or 'not measured'}. The tables below are "
        "of the calibrated confidence; some of their frames are those that it was fitted on."
    )


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
