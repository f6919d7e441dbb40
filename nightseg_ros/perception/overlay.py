# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Makes masks visible: in colours, blended over the image, with a legend in a corner."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.labels.label_set import IGNORE

if TYPE_CHECKING:
    from nightseg_ros.labels.label_set import LabelSet


Image = NDArray[np.uint8]
Color = tuple[int, int, int]


def colorize(mask: Image, palette: NDArray[np.uint8], out: Image | None = None) -> Image:
    """Return the (H, W, 3) colours of `mask`; `palette` is (256, 3) in the order wanted."""
    table = np.ascontiguousarray(palette).reshape(256, 1, 3)
    return cv2.applyColorMap(mask, table, dst=out)  # type: ignore[return-value]


def blend(
    image: Image, mask: Image, palette: NDArray[np.uint8], alpha: float, out: Image | None = None
) -> Image:
    """Return `image` under its coloured `mask`; pixels without a class stay as they are.

    `image` and `palette` have the same channel order, `alpha` is the weight of the colours.
    """
    colors = colorize(mask, palette)
    mixed = cv2.addWeighted(image, 1.0 - alpha, colors, alpha, 0.0, dst=out)
    cv2.copyTo(image, cv2.inRange(mask, IGNORE, IGNORE), dst=mixed)
    return mixed  # type: ignore[return-value]


INK: Color = (240, 240, 240)
UNSEEN: Color = (255, 0, 255)
"""Of what the camera does not see; the same in both channel orders."""
LINES_PER_IMAGE = 60
UNSURE = 0.5
"""The confidence below which a pixel counts as unsure by default."""


def unsure(mask: Image, confidence: Image, least: float = UNSURE) -> Image:
    """Return 255 where a pixel has a class with a confidence below `least`, else 0."""
    where = (confidence < math.ceil(255 * least)) & (mask != IGNORE)
    return np.asarray(where * np.uint8(255))


def hatch(image: Image, where: Image, color: Color, *, rising: bool = True) -> None:
    """Draw diagonal lines into `image` wherever `where` is not 0; they rise to the right or fall.

    >>> image = np.zeros((4, 4, 3), np.uint8)
    >>> hatch(image, np.full((4, 4), 255, np.uint8), (9, 9, 9))
    >>> image[..., 0]
    array([[9, 0, 0, 0],
           [0, 0, 0, 9],
           [0, 0, 9, 0],
           [0, 9, 0, 0]], dtype=uint8)
    """
    lines = _lines(where.shape[0], where.shape[1], rising)
    image[cv2.bitwise_and(where, lines) > 0] = color


@lru_cache(maxsize=8)
def _lines(height: int, width: int, rising: bool) -> Image:
    period = max(4, height // LINES_PER_IMAGE)
    combine = np.add if rising else np.subtract
    places = combine.outer(np.arange(height), np.arange(width)) % period
    return np.where(places < max(1, period // 4), 255, 0).astype(np.uint8)


def classes_in_view(mask: Image, least_share: float = 0.001) -> list[int]:
    """Return the ids that cover at least `least_share` of the mask, in the order of ids.

    By id and not by area, so that the rows of a legend stay in place in a video.
    """
    sample = mask[::4, ::4] if min(mask.shape) >= 64 else mask
    counts = np.bincount(sample.ravel(), minlength=256)[:IGNORE]
    return [int(i) for i in np.flatnonzero(counts) if counts[i] >= least_share * sample.size]


def draw_over(
    image: Image,
    mask: Image,
    labels: LabelSet,
    alpha: float,
    route: str,
    ms: float | None = None,
    confidence: Image | None = None,
) -> Image:
    """Return a BGR image under its mask, unsure pixels hatched, with a legend of the classes."""
    picture = blend(image, mask, np.ascontiguousarray(labels.palette()[:, ::-1]), alpha)
    if confidence is not None:
        hatch(picture, unsure(mask, confidence), INK)
    draw_legend(picture, labels, classes_in_view(mask), route, ms)
    return picture


PANEL: Color = (26, 24, 22)
PANEL_WEIGHT = 0.66
FONT = cv2.FONT_HERSHEY_SIMPLEX
ROWS_PER_IMAGE = 24
"""The height of a row depends on the image, so that a legend of 19 classes always fits."""
LEAST_ROW = 14
"""Smaller text would be illegible, so smaller images get fewer rows."""


def draw_legend(
    image: Image,
    labels: LabelSet,
    ids: Sequence[int],
    route: str = "",
    latency_ms: float | None = None,
    *notes: str,
    order: str = "bgr",
) -> None:
    """Draw the legend into `image` (H, W, 3), with a chip for each class of `ids` in that order.

    Where not all fit, the last row says how many are left out. `notes` follow in the title.
    """
    row = max(LEAST_ROW, image.shape[0] // ROWS_PER_IMAGE)
    margin = row // 2
    latency = "" if latency_ms is None else f"{latency_ms:.0f} ms"
    title = "  ".join(part for part in (route, latency, *notes) if part)
    known = [labels.labels[i] for i in ids if i < labels.count]
    fit = (image.shape[0] - 3 * margin) // row - bool(title)
    rows = known[: max(0, fit if len(known) <= fit else fit - 1)]
    more = f"{len(known) - len(rows)} more" if rows and len(rows) < len(known) else ""
    if not title and not rows:
        return
    scale, thick = _text_scale(row)
    indent = row + margin // 2
    widths = [indent + _width(label.name, scale, thick) for label in rows]
    widths += [_width(title, scale, thick), indent + _width(more, scale, thick)]
    box_w = max(widths) + 2 * margin
    box_h = row * (len(rows) + bool(title) + bool(more)) + margin
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
    if more:
        _text(image, more, left + indent, top, row, scale, thick)


def _text_scale(row: int) -> tuple[float, int]:
    """Return the scale at which a line of text, ascenders and descenders, fills 70 % of a row."""
    (_, height), below = cv2.getTextSize("Ag", FONT, 1.0, 1)
    return 0.7 * row / (height + below), max(1, row // 24)


def _width(text: str, scale: float, thick: int) -> int:
    return int(cv2.getTextSize(text, FONT, scale, thick)[0][0]) if text else 0


def _text(image: Image, text: str, x: int, top: int, row: int, scale: float, thick: int) -> None:
    baseline = (x, top + round(row * 0.72))
    cv2.putText(image, text, baseline, FONT, scale, INK, thick, cv2.LINE_AA)
