# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Makes a contact sheet of a data set: frames with their coloured labels, and the legend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.datasets.image_files import read_image, read_label
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import write_atomically
from nightseg_ros.labels.label_set import LabelSet, label_set
from nightseg_ros.labels.lookup import has_map, lookup

if TYPE_CHECKING:
    from nightseg_ros.datasets.sample import DrivingSet, Sample

Image = NDArray[np.uint8]

TILE = (320, 180)  # width and height of one picture
CAPTION = 18
COLUMNS = 4
INK, PAPER, BAD = (230, 230, 230), 24, (200, 60, 60)
_FONT, _SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.4


def contact_sheet(sets: Sequence[DrivingSet], count: int = 12) -> Image:
    """Return an RGB picture with up to `count` frames of each set, evenly spaced."""
    rows, legends = [], {}
    for part in sets:
        shown = shown_label_set(part)
        picked = np.linspace(0, len(part) - 1, min(count, len(part))).round().astype(int)
        tiles = [_tile(part, part.samples[index], shown) for index in picked]
        across = COLUMNS if shown else 2 * COLUMNS  # an unlabelled tile is half as wide
        rows.append(_text(f"{part.name}: {len(part)} frames"))
        rows += [np.hstack(tiles[at : at + across]) for at in range(0, len(tiles), across)]
        if shown:
            legends[shown.name] = shown
    rows += [_legend(shown) for shown in legends.values()]
    width = max(row.shape[1] for row in rows)
    return np.vstack([_widen(row, width) for row in rows])


def rows_sheet(titles: Sequence[str], rows: Sequence[Sequence[Image]]) -> Image:
    """Return an RGB picture of rows of pictures, with a title above each column."""
    heads = [_widen(_text(title)[:, : TILE[0]], TILE[0]) for title in titles]
    tiles = [
        np.hstack([cv2.resize(image, TILE, interpolation=cv2.INTER_AREA) for image in row])
        for row in rows
    ]
    return np.vstack([np.hstack(heads), *tiles])


def save_sheet(path: Path, sheet: Image) -> None:
    """Write a sheet in the format of its suffix."""
    try:
        good, data = cv2.imencode(path.suffix or ".jpg", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    except cv2.error:
        good = False
    if not good:
        raise NightsegError(f"cannot write a sheet as '{path.name}'; end it in .jpg or .png")
    write_atomically(path, data.tobytes())


def shown_label_set(dataset: DrivingSet) -> LabelSet | None:
    """Return the label set of the colours: cityscapes19 where the set maps to it."""
    if dataset.label_set is None:
        return None
    mapped = has_map(dataset.label_set, "cityscapes19")
    return label_set("cityscapes19" if mapped else dataset.label_set)


def _tile(dataset: DrivingSet, sample: Sample, shown: LabelSet | None) -> Image:
    try:
        pictures = [cv2.resize(read_image(sample.image), TILE, interpolation=cv2.INTER_AREA)]
        if shown is not None and sample.label is not None and dataset.label_set is not None:
            ids = cv2.LUT(read_label(sample.label), lookup(dataset.label_set, shown.name))
            ids = cv2.resize(ids, TILE, interpolation=cv2.INTER_NEAREST_EXACT)
            pictures.append(shown.palette()[ids])
    except NightsegError:
        pictures = [np.full((TILE[1], TILE[0], 3), BAD, np.uint8)] * (2 if shown else 1)
    picture = np.hstack(pictures)
    caption = f"{sample.name.rsplit('/', 1)[-1]}  {sample.time_of_day}"
    return np.vstack([picture, _widen(_text(caption)[:, : picture.shape[1]], picture.shape[1])])


def _text(text: str) -> Image:
    (width, _), _ = cv2.getTextSize(text, _FONT, _SCALE, 1)
    strip = np.full((CAPTION, width + 8, 3), PAPER, np.uint8)
    cv2.putText(strip, text, (4, CAPTION - 5), _FONT, _SCALE, INK, 1, cv2.LINE_AA)
    return strip


def _legend(labels: LabelSet) -> Image:
    entries = []
    for label in labels.labels:
        swatch = np.full((CAPTION, CAPTION, 3), label.color, np.uint8)
        entries += [swatch, _text(label.name)]
    return np.hstack([*entries, np.zeros((CAPTION, CAPTION, 3), np.uint8), _text("unlabelled")])


def _widen(row: Image, width: int) -> Image:
    return cv2.copyMakeBorder(  # type: ignore[return-value]
        row, 0, 0, 0, width - row.shape[1], cv2.BORDER_CONSTANT, value=(PAPER, PAPER, PAPER)
    )
