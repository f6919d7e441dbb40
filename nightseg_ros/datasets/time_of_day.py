# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Distinguishes day from night by the illumination of a frame, for sets without a time of day.

It uses the node's estimate of illumination with the node's limits, so pools of training images
match the routing. Frames between the limits, mostly twilight, are dusk and in neither pool.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from nightseg_ros.datasets.image_files import decode
from nightseg_ros.datasets.sample import DrivingSet, Sample
from nightseg_ros.errors import NightsegError
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
    """Return the illumination of a file, like the node's estimate.

    A smaller copy, which JPEG decodes faster, would be up to 0.06 brighter: averaging fills the
    shadows before the estimate caps the lights.
    """
    return estimate_illumination(decode(path, cv2.IMREAD_GRAYSCALE))


@dataclass(frozen=True)
class SplitError:
    """How often the measured time of day is right, over frames known as day or night."""

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
        """Day measured as night, and night as day: they contaminate a pool."""
        return self.counts["day", "night"] + self.counts["night", "day"]

    @property
    def undecided(self) -> int:
        """Frames of day or night that are measured as dusk."""
        return self.counts["day", "dusk"] + self.counts["night", "dusk"]


def split_error(samples: Iterable[Sample]) -> SplitError:
    """Measure every sample whose time of day is known."""
    timed = [sample for sample in samples if sample.time_of_day]
    with ThreadPoolExecutor() as pool:
        levels = pool.map(lambda sample: measure(sample.image), timed)
        pairs = [(s.time_of_day, time_of_day(x)) for s, x in zip(timed, levels, strict=True)]
    return SplitError(Counter(pairs))


def with_measured_times(dataset: DrivingSet) -> DrivingSet:
    """Return the set with a time of day for every sample, without unreadable files."""

    def timed(sample: Sample) -> Sample | str:
        if sample.time_of_day:
            return sample
        try:
            measured = time_of_day(measure(sample.image))
            return replace(sample, time_of_day=measured, time_measured=True)
        except NightsegError as error:
            return str(error)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = list(pool.map(timed, dataset.samples))
    return replace(
        dataset,
        samples=tuple(result for result in results if isinstance(result, Sample)),
        problems=(*dataset.problems, *(result for result in results if isinstance(result, str))),
    )
