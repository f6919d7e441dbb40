# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""NEXET: 50,000 unlabelled dash-camera frames, split by their measured time of day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from nightseg_ros.datasets.layout import set_name
from nightseg_ros.datasets.plain_folder import UNLABELLED
from nightseg_ros.datasets.time_of_day import with_measured_times

if TYPE_CHECKING:
    from nightseg_ros.datasets.sample import DrivingSet


@dataclass(frozen=True)
class Nexet:
    """A folder of frames whose splits are times of day."""

    name: str = "nexet"
    summary: str = "a folder of frames; the splits day, dusk and night are measured"

    def splits(self, root: Path) -> list[str]:
        """Return the times of day of its frames."""
        return sorted({sample.time_of_day for sample in _measured(root).samples})

    def read(self, root: Path, split: str) -> DrivingSet:
        """Return the frames of one time of day."""
        part = _measured(root).only(frozenset({split}))
        samples = tuple(replace(sample, split=split) for sample in part.samples)
        name = set_name(self.name, root, split)
        return replace(part, name=name, layout=self.name, samples=samples)


@lru_cache(maxsize=4)
def _measured(root: Path) -> DrivingSet:
    return with_measured_times(UNLABELLED.read(root, ""))


LAYOUT = Nexet()
