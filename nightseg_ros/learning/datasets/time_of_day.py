# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Telling day from night by the histogram of a frame, for sets that do not say it.

It is the node's own estimate of illumination, with the node's own limits: what a route is chosen
by while driving is what the pools are made by. What lies between the limits, twilight mostly, is
called dusk, so that it does not get into either pool.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.datasets.image_files import decode
from nightseg_ros.learning.datasets.sample import DrivingSet, Sample
from nightseg_ros.perception.illumination import estimate_illumination
from nightseg_ros.perception.routing import RoutingPolicy

NIGHT_BELOW = RoutingPolicy.dark_below
DAY_FROM = RoutingPolicy.bright_above


def time_of_day(illumination: float) -> str:
    """Return "day", "night" or "dusk".

    >>> time_of_day(0.1), time_of_day(0.9)
    ('night', 'day')
    """
    if illumination < NIGHT_BELOW:
        return "night"
    return "day" if illumination >= DAY_FROM else "dusk"


def measure(path: Path) -> float:
    """Return the illumination of a file, read at an eighth of its size: JPEG does that faster."""
    return estimate_illumination(decode(path, cv2.IMREAD_REDUCED_GRAYSCALE_8))


@dataclass(frozen=True)
class SplitError:
    """How often the measured time of day is the known one, over frames known as day or night."""

    counts: Counter[tuple[str, str]]
    """Frames by (known time, measured time)."""

    def of(self, known: str) -> int:
        """Return how many frames are known as `known`."""
        return sum(n for (time, _), n in self.counts.items() if time == known)

    @property
    def frames(self) -> int:
        """Frames known as day or night."""
        return self.of("day") + self.of("night")

    @property
    def swapped(self) -> int:
        """Day taken for night, and night for day: what spoils a pool."""
        return self.counts["day", "night"] + self.counts["night", "day"]

    @property
    def undecided(self) -> int:
        """Frames of day or night that are put aside as dusk."""
        return self.counts["day", "dusk"] + self.counts["night", "dusk"]


def split_error(samples: Iterable[Sample]) -> SplitError:
    """Measure every sample whose time of day is known."""
    timed = [sample for sample in samples if sample.time_of_day]
    with ThreadPoolExecutor() as pool:
        levels = pool.map(lambda sample: measure(sample.image), timed)
        pairs = [(s.time_of_day, time_of_day(x)) for s, x in zip(timed, levels, strict=True)]
    return SplitError(Counter(pairs))


def with_measured_times(dataset: DrivingSet, threads: int = 0) -> DrivingSet:
    """Return the set with a time of day for every sample, without files that cannot be read."""

    def timed(sample: Sample) -> Sample | str:
        if sample.time_of_day:
            return sample
        try:
            told = time_of_day(measure(sample.image))
            return replace(sample, time_of_day=told, time_measured=True)
        except NightsegError as error:
            return str(error)

    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        results = list(pool.map(timed, dataset.samples))
    return replace(
        dataset,
        samples=tuple(result for result in results if isinstance(result, Sample)),
        problems=(*dataset.problems, *(result for result in results if isinstance(result, str))),
    )
