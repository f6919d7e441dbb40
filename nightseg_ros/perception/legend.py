# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small panel on an overlay: the route, its latency, and the classes in view."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.labels import LabelSet

Image = NDArray[np.uint8]
Color = tuple[int, int, int]

INK: Color = (240, 240, 240)
PANEL: Color = (26, 24, 22)
PANEL_WEIGHT = 0.66
FONT = cv2.FONT_HERSHEY_SIMPLEX
ROWS_PER_IMAGE = 24
"""The height of a row follows the image: a legend of 19 classes fits at every size."""
LEAST_ROW = 14
"""Pixels below which the text could not be read; smaller images get fewer rows."""


def draw_legend(
    image: Image,
    labels: LabelSet,
    ids: Sequence[int],
    route: str = "",
    latency_ms: float | None = None,
    *,
    order: str = "bgr",
) -> None:
    """Draw the legend into `image` (H, W, 3), with a chip for each class of `ids` in that order."""
    row = max(LEAST_ROW, image.shape[0] // ROWS_PER_IMAGE)
    margin = row // 2
    title = "  ".join(
        part for part in (route, "" if latency_ms is None else f"{latency_ms:.0f} ms") if part
    )
    known = [labels.labels[i] for i in ids if i < labels.count]
    fit = (image.shape[0] - 3 * margin) // row - bool(title)
    rows = known[: max(0, fit)]
    if not title and not rows:
        return
    scale, thick = _text_scale(row)
    indent = row + margin // 2
    widths = [indent + _width(label.name, scale, thick) for label in rows]
    widths.append(_width(title, scale, thick))
    box_w, box_h = max(widths) + 2 * margin, row * (len(rows) + bool(title)) + margin
    panel = image[margin : margin + box_h, margin : margin + box_w]
    if panel.size == 0:
        return
    ground = np.empty_like(panel)
    ground[:] = PANEL if order == "bgr" else PANEL[::-1]
    cv2.addWeighted(panel, 1.0 - PANEL_WEIGHT, ground, PANEL_WEIGHT, 0.0, dst=panel)
    left, top = 2 * margin, margin + margin // 2
    if title:
        _text(image, title, left, top, row, scale, thick)
        top += row
    chip = max(4, int(row * 0.6))
    for label in rows:
        color = label.color if order == "rgb" else label.color[::-1]
        y = top + (row - chip) // 2
        cv2.rectangle(image, (left, y), (left + chip, y + chip), color, cv2.FILLED)
        cv2.rectangle(image, (left, y), (left + chip, y + chip), INK, 1)  # shows dark colours
        _text(image, label.name, left + indent, top, row, scale, thick)
        top += row


def _text_scale(row: int) -> tuple[float, int]:
    """Return the scale at which a line of text, ascenders and descenders, fills 70 % of a row."""
    (_, height), below = cv2.getTextSize("Ag", FONT, 1.0, 1)
    return 0.7 * row / (height + below), max(1, row // 24)


def _width(text: str, scale: float, thick: int) -> int:
    return int(cv2.getTextSize(text, FONT, scale, thick)[0][0]) if text else 0


def _text(image: Image, text: str, x: int, top: int, row: int, scale: float, thick: int) -> None:
    baseline = (x, top + round(row * 0.72))
    cv2.putText(image, text, baseline, FONT, scale, INK, thick, cv2.LINE_AA)
