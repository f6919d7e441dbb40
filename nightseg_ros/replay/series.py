# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads the figures of a replay over time, averaged so that a drive of any length fits."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.perception.timing import STAGES
from nightseg_ros.replay.rows import TRUST

POINTS = 320
"""Most points of a series."""
TIMES = (*STAGES, "engine", "total")
ALL_CAMERAS = ""


@dataclass(frozen=True)
class Point:
    """An interval of successive frames; times are seconds since the first frame of the bag."""

    start: float
    end: float
    mean: Mapping[str, float]
    """Only values that at least one of its frames has."""
    top: Mapping[str, float]
    word: Mapping[str, str]
    """The most frequent values."""


class Series:
    """Means over intervals of frames, whose length doubles whenever there are too many."""

    def __init__(
        self, numbers: Sequence[str], words: Sequence[str] = (), limit: int = POINTS
    ) -> None:
        self._numbers, self._words, self._limit = tuple(numbers), tuple(words), 2 * (limit // 2)
        self._intervals: list[_Interval] = []
        self._length = self._filled = 1
        self._last = 0.0

    def add(self, at: float, row: Mapping[str, str]) -> None:
        """Add a frame; an empty cell in its row was not measured."""
        if self._filled == self._length:
            if len(self._intervals) == self._limit:
                pairs = zip(self._intervals[0::2], self._intervals[1::2], strict=True)
                self._intervals = [a.joined(b) for a, b in pairs]
                self._length *= 2
            self._intervals.append(_Interval(at))
            self._filled = 0
        here = self._intervals[-1]
        for name in self._numbers:
            if text := row.get(name):
                value = float(text)
                total, count, top = here.figures.get(name, (0.0, 0, 0.0))
                here.figures[name] = (total + value, count + 1, max(top, value))
        for name in self._words:
            if text := row.get(name):
                here.words.setdefault(name, Counter())[text] += 1
        self._filled += 1
        self._last = at

    def points(self) -> list[Point]:
        """Return the intervals so far."""
        ends = [*(interval.start for interval in self._intervals[1:]), self._last]
        return [
            Point(
                interval.start,
                end,
                {name: total / count for name, (total, count, _) in interval.figures.items()},
                {name: top for name, (_, _, top) in interval.figures.items()},
                {name: found.most_common(1)[0][0] for name, found in interval.words.items()},
            )
            for interval, end in zip(self._intervals, ends, strict=False)
        ]


@dataclass
class _Interval:
    start: float
    figures: dict[str, tuple[float, int, float]] = field(default_factory=dict)
    """Name -> sum, number and maximum of its values."""
    words: dict[str, Counter[str]] = field(default_factory=dict)

    def joined(self, later: _Interval) -> _Interval:
        figures = dict(self.figures)
        for name, (total, count, top) in later.figures.items():
            before = figures.get(name, (0.0, 0, 0.0))
            figures[name] = (before[0] + total, before[1] + count, max(before[2], top))
        words = {
            name: self.words.get(name, Counter()) + later.words.get(name, Counter())
            for name in {**self.words, **later.words}
        }
        return _Interval(self.start, figures, words)


class Histogram:
    """Counts milliseconds in bins that are one percent wide, from 0.001 ms to 1000 s."""

    LOW, HIGH, STEP = 1e-3, 1e6, math.log(1.01)

    def __init__(self) -> None:
        self._bins = [0] * (self._bin(self.HIGH) + 1)
        self.total = 0.0
        self.top = 0.0

    def add(self, ms: float) -> None:
        """Count one value."""
        self._bins[self._bin(ms)] += 1
        self.total += ms
        self.top = max(self.top, ms)

    @property
    def counts(self) -> NDArray[np.int64]:
        """The number of values in each bin."""
        return np.array(self._bins, np.int64)

    def percentile(self, share: float) -> float:
        """Return the value below which `share` of all lie, within half a percent.

        As defined in metrics.percentiles.

        >>> histogram = Histogram()
        >>> for ms in range(1, 102):
        ...     histogram.add(ms)
        >>> round(histogram.percentile(0.5))
        51
        """
        below = self.counts.cumsum()
        position = share * max(0, int(below[-1]) - 1)
        first = int(position)
        low, high = (self._value(below, min(n, below[-1] - 1)) for n in (first, first + 1))
        return low + (position - first) * (high - low)

    def _value(self, below: NDArray[np.int64], number: int) -> float:
        """Return the value at `number` (from 0) in ascending order."""
        place = int(np.searchsorted(below, number + 1))
        return float(min(self.top, self.LOW * math.exp((place + 0.5) * self.STEP)))

    def mean(self) -> float:
        """Return the mean of all values."""
        return float(self.total / max(1, self.counts.sum()))

    def binned(self, edges: Sequence[float]) -> NDArray[np.int64]:
        """Return the counts between successive edges."""
        below = [0 if edge <= 0 else self._bin(edge) for edge in edges]
        whole = np.concatenate([[0], self.counts.cumsum()])
        return np.diff(whole[below])

    def _bin(self, ms: float) -> int:
        inside = min(max(ms, self.LOW), self.HIGH)
        return int(math.log(inside / self.LOW) / self.STEP)


@dataclass(frozen=True)
class Frames:
    """The content of frames.csv."""

    cameras: dict[str, list[Point]]
    """Topic -> its points; ALL_CAMERAS -> the points of all together."""
    times: dict[str, dict[str, Histogram]]
    """Variant -> stage -> its distribution."""
    rows: dict[int, dict[str, str]]
    """The complete rows of the wanted frames."""
    start_ns: int
    end_ns: int


def read_frames(file: Path, variants: Sequence[str], wanted: Collection[int] = ()) -> Frames:
    """Read frames.csv once, with bounded memory."""
    names = [f"{v}_{what}" for v in variants for what in (*TRUST, "flicker", "accuracy")]
    names += [f"{v}_{what}_ms" for v in variants for what in TIMES]
    words = [f"{v}_route" for v in variants]
    everything = Series(names)
    cameras: dict[str, Series] = {}
    times = {variant: {stage: Histogram() for stage in TIMES} for variant in variants}
    rows: dict[int, dict[str, str]] = {}
    start_ns = end_ns = 0
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            end_ns = int(row["bag_ns"])
            start_ns = start_ns or end_ns
            if row["error"]:
                continue
            at = (end_ns - start_ns) / 1e9
            if row["topic"] not in cameras:
                cameras[row["topic"]] = Series(["illumination", "visibility"], words)
            cameras[row["topic"]].add(at, row)
            everything.add(at, row)
            for variant, stages in times.items():
                for stage, histogram in stages.items():
                    if row[f"{variant}_{stage}_ms"]:
                        histogram.add(float(row[f"{variant}_{stage}_ms"]))
            if int(row["index"]) in wanted:
                rows[int(row["index"])] = row
    all_points: dict[str, Any] = {topic: series.points() for topic, series in cameras.items()}
    return Frames({**all_points, ALL_CAMERAS: everything.points()}, times, rows, start_ns, end_ns)
