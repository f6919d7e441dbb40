# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Watches one camera: whether its frames still show the scene, and where they do not.

A frame is looked at along 45 of its rows only, which takes a fraction of a millisecond. Each fault
has a measure with a limit; it is reported after the measure was beyond the limit for 0.4 s,
and withdrawn a second after it no longer is. Limits were chosen on one half of real day and night
frames, see `nightseg bench health`. Darkness as such is no fault.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.perception.letterbox import to_gray

Image = NDArray[np.uint8]
Cells = NDArray[np.bool_]
Levels = NDArray[np.float32]

ROWS, COLUMNS = 45, 160
"""The frame as it is seen here."""
GRID = (9, 16)
"""Cells of an invalid region."""
SMALLEST = 32
"""Frames with a shorter side are not judged."""
ONSET_S, RELEASE_S = 0.4, 1.0
GAP_S = 5.0
"""After a longer gap between stamps, or a jump back, everything is forgotten."""
FAINT = 0.25
"""A cell that keeps less than this share of its contrast lost it."""
CUT = 0.25
"""If more of the rest changes with it, it is another scene, and nothing was hidden."""
BAND, BAND_S = 0.9, 1.0
"""A row that loses its contrast over this share of the width shows plain road that comes nearer,
behind a shadow or a crossing: from there down nothing is judged for so many seconds."""
CLIPPED = 250

LIMITS = {
    "covered": 12.0,
    "obstructed": 0.035,
    "defocused": 0.09,
    "dazzled": 0.08,
    "overexposed": 0.3,
    "underexposed": 18.0,
    "frozen": 0.5,
    "flickering": 0.06,
    "tinted": 0.3,
    "noisy": 2.5,
}
"""The limit of each measure, see `measures`."""
BELOW = ("covered", "defocused", "underexposed")
"""Faults whose measure is below the limit."""
BLIND = ("covered", "frozen")
"""With these, nothing of the frame can be believed."""
DEGRADED = ("defocused", "dazzled", "overexposed", "underexposed", "noisy")

_LOGS = np.log(np.arange(256, dtype=np.float32) + 8.0)


@dataclass(frozen=True)
class Health:
    """What is known about a camera after a frame."""

    faults: tuple[str, ...] = ()
    invalid: Cells = field(default_factory=lambda: np.zeros(GRID, bool))
    """(9, 16) cells that do not show the scene."""
    measures: dict[str, float] = field(default_factory=dict)

    @property
    def visibility(self) -> float:
        """The share of the frame that shows the scene, halved where all of it is degraded."""
        share = 1.0 - float(self.invalid.mean())
        return share * (0.5 if set(DEGRADED) & set(self.faults) else 1.0)

    def region(self) -> str:
        """Return where the invalid cells lie, in percent of width and height; empty for none."""
        if not self.invalid.any():
            return ""
        y, x = (np.flatnonzero(self.invalid.any(axis=axis)) for axis in (1, 0))
        left, right = 100 * x[0] // GRID[1], 100 * (x[-1] + 1) // GRID[1]
        top, bottom = 100 * y[0] // GRID[0], 100 * (y[-1] + 1) // GRID[0]
        share = 100.0 * float(self.invalid.mean())
        return f"{share:.0f} %, x {left} to {right} %, y {top} to {bottom} %"

    def invalid_mask(self, height: int, width: int) -> Image:
        """Return a mask of this size with 255 where the frame does not show the scene."""
        cells = self.invalid.astype(np.uint8) * 255
        return np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST))


@dataclass(frozen=True)
class _Grid:
    """Each cell's mean, standard deviation, and share of clipped pixels."""

    luma: Levels
    contrast: Levels
    clipped: Levels


class CameraHealth:
    """Keeps what one camera showed so far."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._stamp_s: float | None = None
        self._rows: Image | None = None
        self._levels: dict[str, float] = dict.fromkeys(LIMITS, 0.0)
        self._faults: set[str] = set()
        self._brightness: deque[float] = deque(maxlen=6)
        self._luma: Levels | None = None
        self._before = np.zeros(GRID, np.float32)
        self._hidden = np.zeros(GRID, bool)
        self._band_s = np.zeros((GRID[0], 1))

    def update(self, frame: Image, order: str, stamp_s: float) -> Health:
        """Look at one (H, W, C) frame, or (H, W) with order "gray", and judge the camera."""
        if min(frame.shape[:2]) < SMALLEST:
            return Health()
        if self._stamp_s is not None and not 0.0 <= stamp_s - self._stamp_s < GAP_S:
            self._forget()
        passed_s = 0.0 if self._stamp_s is None else min(stamp_s - self._stamp_s, ONSET_S / 2)
        rows = sampled(frame)
        measures, cells = measure(rows, order)
        measures["frozen"] = float(self._rows is not None and np.array_equal(rows, self._rows))
        measures["flickering"] = self._flicker(float(cells.luma.mean()))
        hidden = self._hide(cells, passed_s)
        measures["obstructed"] = float(hidden.mean())
        self._stamp_s, self._rows = stamp_s, rows
        self._decide(measures, passed_s)
        return Health(
            tuple(name for name in LIMITS if name in self._faults),
            self._invalid(hidden, cells.clipped > 0.5),
            measures,
        )

    def _decide(self, measures: dict[str, float], passed_s: float) -> None:
        for name, limit in LIMITS.items():
            beyond = measures[name] < limit if name in BELOW else measures[name] > limit
            step = passed_s / ONSET_S if beyond else -passed_s / RELEASE_S
            self._levels[name] = min(1.0, max(0.0, self._levels[name] + step))
            if self._levels[name] > 0.99:
                self._faults.add(name)
            elif self._levels[name] == 0.0:
                self._faults.discard(name)
        if "covered" in self._faults:  # says all that the others could
            self._faults -= {"defocused", "underexposed", "obstructed"}

    def _invalid(self, hidden: Cells, clipped: Cells) -> Cells:
        if self._faults & set(BLIND):
            return np.ones(GRID, bool)
        invalid = np.zeros(GRID, bool)
        if "obstructed" in self._faults:
            invalid |= hidden
        if self._faults & {"dazzled", "overexposed"}:
            invalid |= clipped
        return invalid

    def _flicker(self, brightness: float) -> float:
        """Return the depth by which the brightness rises and falls from frame to frame."""
        self._brightness.append(float(np.log(brightness + 4.0)))
        steps = np.diff(self._brightness)
        full = len(self._brightness) == self._brightness.maxlen
        turning = full and bool((steps[1:] * steps[:-1] < 0).all())
        return float(np.median(np.abs(steps))) if turning else 0.0

    def _hide(self, cells: _Grid, passed_s: float) -> Cells:
        """Return the cells that something hides: they lost their contrast at once, others not."""
        luma, contrast = cells.luma, cells.contrast
        if self._luma is None:
            self._luma, self._before = luma, contrast
        lost = (contrast < FAINT * self._before) & (self._before > 8.0) & ~self._hidden
        lost &= (luma > 25.0) | (np.arange(GRID[0])[:, None] >= 3)  # the night sky
        lost &= luma < 200.0  # the day sky
        bands = (lost | self._hidden).mean(axis=1) > BAND
        if bands.any():
            self._band_s[int(np.argmax(bands)) :] = BAND_S
        lost &= self._band_s <= 0.0
        self._hidden &= self._band_s <= 0.0
        self._band_s = np.maximum(0.0, self._band_s - passed_s)
        count, names, areas, _ = cv2.connectedComponentsWithStats(lost.astype(np.uint8))
        if count > 1:
            region = names == 1 + int(np.argmax(areas[1:, cv2.CC_STAT_AREA]))
            around = cv2.dilate(region.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            changed = np.abs(luma - self._luma) > 6.0 + 0.1 * luma
            changed |= np.abs(contrast - self._before) > 4.0 + 0.4 * self._before
            changed = changed[~around & ~self._hidden]
            if changed.size < 15 or changed.mean() > CUT:
                self._before = np.where(self._hidden, self._before, contrast)
            elif region.mean() > LIMITS["obstructed"]:
                self._hidden = self._hidden | region
        self._hidden = self._hidden & (contrast < 0.5 * self._before)
        rate = np.where(self._hidden, 0.0, min(1.0, passed_s / 0.3)).astype(np.float32)
        self._before = self._before + (contrast - self._before) * rate
        self._luma = luma
        return self._hidden


def sampled(frame: Image) -> Image:
    """Return at most about 45 rows of the frame, whole."""
    step = max(1, frame.shape[0] // ROWS)
    return np.ascontiguousarray(frame[step // 2 :: step])


def measure(rows: Image, order: str) -> tuple[dict[str, float], _Grid]:
    """Return the measures of single frames, and their cells."""
    small = np.asarray(cv2.resize(rows, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), np.uint8)
    gray, luma = (to_gray(x, order) for x in (rows[::2], small))
    counts = np.cumsum(np.bincount(luma.ravel(), minlength=256))
    low, high = (float(np.searchsorted(counts, share * luma.size)) for share in (0.01, 0.99))
    bright = (luma >= CLIPPED).astype(np.float32)
    sharp, noise = _sharpness(gray)
    levels = luma.astype(np.float32)
    mean = _averaged(levels)
    contrast = np.sqrt(np.maximum(_averaged(levels * levels) - mean * mean, 0.0))
    return {
        "covered": high - low,
        "underexposed": high,
        "overexposed": float(bright.mean()),
        "dazzled": float(bright[ROWS // 3 :].mean()),
        "defocused": sharp,
        "noisy": noise,
        "tinted": 0.0 if order == "gray" else _tint(small[::3, ::4]) - _lamplight(luma),
    }, _Grid(mean, contrast, _averaged(bright))


def _averaged(levels: Levels) -> Levels:
    size = (GRID[1], GRID[0])
    return np.asarray(cv2.resize(levels, size, interpolation=cv2.INTER_AREA), np.float32)


def _sharpness(gray: Image) -> tuple[float, float]:
    """Return how steep edges are, from 1/16 (blurred) to 1, and the noise in grey levels.

    White noise makes every edge look steep, so its share is taken off.
    """
    rows = gray.astype(np.int16)
    near = max(1, round(rows.shape[1] / 640))
    width = (rows.shape[1] - 2) // 16 * 16
    step = rows[:, 1:] - rows[:, :-1]
    bend = np.abs(step[:, 1:] - step[:, :-1])[:, :width]
    blocks, level = (
        np.asarray(cv2.resize(x, (width // 16, len(rows)), interpolation=cv2.INTER_AREA))
        for x in (bend.astype(np.float32), gray[:, 1 : width + 1])
    )
    blocks = blocks[(level > 12) & (level < 235)]
    noise = 0.0
    if blocks.size > 50:
        noise = float(np.partition(blocks, blocks.size // 10)[blocks.size // 10]) / 1.954
    floor = 2.0 * noise * noise
    steep, wide = (
        cv2.norm(gray[:, lag:], gray[:, :-lag], cv2.NORM_L2SQR) / gray[:, lag:].size - floor
        for lag in (near, 4 * near)
    )
    return (max(0.0, steep) / wide if wide > 4.0 else 1.0), noise


def _lamplight(luma: Image) -> float:
    """Return how much colour is usual at this brightness: sodium lamps dye whole streets."""
    return float(np.interp(float(luma.mean()), (50.0, 80.0), (0.55, 0.0)))


def _tint(small: Image) -> float:
    """Return the colour that nine of ten lit pixels share at least, as a logarithm of ratios."""
    planes = np.stack([small[:, :, channel].ravel() for channel in range(3)])
    planes = planes[:, (planes.max(axis=0) > 40) & (planes.min(axis=0) < 245)]
    if planes.shape[1] < 60:
        return 0.0
    logs = _LOGS[planes]
    logs -= logs.mean(axis=0)
    middle = np.median(logs, axis=1)
    along = middle / max(1e-6, float(np.linalg.norm(middle))) @ logs
    return float(np.partition(along, along.size // 10)[along.size // 10])
