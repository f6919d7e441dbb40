# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds where things stand: in every column of a mask, runs of one kind and the ground below."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_GAPS = (4, 8, 16, 32, 64, 128, 256)
"""Columns between wheels that are tried."""


@dataclass(frozen=True)
class Runs:
    """What stands on the ground, one entry for each column and thing."""

    kind: NDArray[np.uint8]
    column: NDArray[np.intp]
    top_row: NDArray[np.intp]
    foot_row: NDArray[np.intp]
    """The highest row of the ground below it."""
    _index: NDArray[np.intp]
    """Among all the runs of the mask."""
    _starts: NDArray[np.intp]
    _skipped: int

    def paint(self, values: Floats, code: NDArray[np.uint8], out: Floats) -> None:
        """Write the value of each run on its pixels in `out`, except on those skipped."""
        height, width = code.shape
        every = np.full(len(self._starts), np.nan, np.float32)
        every[self._index] = values
        lengths = np.diff(self._starts, append=width * (height + 1))
        columns = np.repeat(every, lengths).reshape(width, height + 1)
        pixels = cv2.transpose(columns)[:height]
        np.copyto(out, pixels, where=~np.isnan(pixels) & (code != self._skipped))


def runs_above_ground(code: NDArray[np.uint8], *, ground: int, skipped: int, other: int) -> Runs:
    """Return the runs of other codes than these three that end on ground in their column.

    Skipped pixels belong to what is above them.
    """
    height, width = code.shape
    columns = np.full((width, height + 1), other, np.uint8)  # an end below every column
    columns[:, :height] = cv2.transpose(code)
    flat = columns.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    kinds = flat[starts]
    starts, kinds = starts[kinds != skipped], kinds[kinds != skipped]
    new = np.concatenate([[True], kinds[1:] != kinds[:-1]])
    starts, kinds = starts[new], kinds[new]
    starts[0] = 0  # skipped pixels at the very first belong to nobody
    standing = (kinds[:-1] != ground) & (kinds[:-1] != other) & (kinds[1:] == ground)
    index = np.flatnonzero(standing)
    column, foot_row = np.divmod(starts[index + 1], height + 1)
    return Runs(
        kinds[index], column, starts[index] % (height + 1), foot_row, index, starts, skipped
    )


def between_wheels(
    foot: Floats, runs: Runs, shape: NDArray[np.intp], columns: NDArray[np.float32]
) -> Floats:
    """Return `foot`, one over distances, as near between two wheels or feet as these are.

    Below a bumper the ground is seen under the body, beyond the wheels. `shape` numbers the thing
    of each run, `columns` is the widest gap between its wheels.
    """
    if not len(foot):
        return foot
    near = np.zeros((int(shape.max()) + 1, int(runs.column.max()) + 1), np.float32)
    np.maximum.at(near, (shape, runs.column), np.nan_to_num(foot, nan=0, posinf=0, neginf=0))
    found = foot.copy()
    level = np.searchsorted(_GAPS, columns, side="right")
    for number, gap in enumerate(_GAPS, 1):
        chosen = level == number
        if chosen.any():
            kernel = np.ones((1, gap + 1), np.uint8)
            closed = cv2.dilate(near, kernel)
            found[chosen] = closed[shape[chosen], runs.column[chosen]]
    return np.asarray(found)
