# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores as text for people, and as a file for spreadsheets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nightseg_ros.files.csv_file import write_csv
from nightseg_ros.files.text_table import cell, interval, text_table


def render_scores(scores: dict[str, Any]) -> str:
    """Return `Scores.to_dict()` as a table and a summary."""
    keys = ("iou", "recall", "precision", "share")
    rows = [
        [name, *(cell(row[key]) for key in keys), str(row["images"])]
        for name, row in scores["per_class"].items()
    ]
    table = text_table(["class", "IoU", "recall", "precision", "% of pixels", "images"], rows)
    spread = interval(scores.get("miou_95"), "  (95 % over images: {})")
    lines = [
        f"mIoU            {cell(scores['miou'])}{spread}",
        f"  over          {scores['classes_present']} classes present in the truth, of "
        f"{len(scores['per_class'])} in {scores['label_set']}",
        f"  over all      {cell(scores['miou_all'])}  (absent classes count 0)",
        f"pixel accuracy  {cell(scores['pixel_accuracy'])}",
        f"class accuracy  {cell(scores['class_accuracy'])}",
        f"FWIoU           {cell(scores['fwiou'])}",
        f"labelled        {cell(scores['labelled_share'])} % of the pixels "
        f"of {scores['images']} images",
    ]
    return "\n".join([table, "", *lines])


def render_confidence(result: dict[str, Any]) -> str:
    """Return what the confidence of an evaluation is worth, with the reliability as a table."""
    scores = result["confidence"]
    risk = dict(scores["risk"])
    wrong = ", ".join(f"{cell(risk[float(x)])} of {x} %" for x in (100, 90, 80, 60, 40))
    invalid = ""
    if scores["invalid"]:
        invalid = f"; {cell(scores['invalid'])} % of the labelled pixels are invalid"
    table = text_table(
        ["confidence", "right", "% of pixels"],
        [[cell(x) for x in row] for row in scores["reliability"]],
    )
    calibrated = ", ".join(result["calibrated"]) or "none, run `nightseg calibrate`"
    lines = [
        f"calibrated      {calibrated}",
        f"ECE             {cell(scores['ece'])}",
        f"AUSE            {cell(scores['ause'])}",
        f"% wrong         {wrong} of the pixels, the surest",
        f"UIoU            {cell(scores['uiou'])} at confidence {scores['uiou_threshold']:.2f}, "
        f"{cell(scores['average_uiou'])} on average{invalid}",
    ]
    return "\n".join([table, "", *lines])


def save_csv(path: Path, scores: dict[str, Any]) -> None:
    """Write the per-class table of `Scores.to_dict()`, percentages, with a last row "mean".

    The bounds of the intervals are empty where none were asked for.
    """
    columns = ("iou", "recall", "precision", "share", "images")
    rows = [
        [name, *(row[column] for column in columns), *row.get("iou_95", (None, None))]
        for name, row in scores["per_class"].items()
    ]
    means = (scores["miou"], scores["class_accuracy"], None, None, scores["images"])
    rows.append(["mean", *means, *scores.get("miou_95", (None, None))])
    write_csv(path, ["class", *columns, "iou_95_low", "iou_95_high"], rows)
