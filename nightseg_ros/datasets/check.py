# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checks every file of a data set: its statistics, and what would break a training."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.datasets.image_files import decode, read_label
from nightseg_ros.datasets.sample import DrivingSet, Sample
from nightseg_ros.errors import NightsegError

MAX_BAD = 0.01
"""A data set with a larger share of bad files is refused."""


class SampleCheck(NamedTuple):
    """The check of one sample; `problem` is empty if it is good."""

    sample: Sample
    problem: str
    size: tuple[int, int]
    luma: float
    pixels: NDArray[np.int64] | None
    """Pixels per stored id, (256,), if there is a label."""


@dataclass
class Findings:
    """The checks of a whole set."""

    dataset: DrivingSet
    problems: list[str] = field(default_factory=list)
    sizes: Counter[str] = field(default_factory=Counter)
    lumas: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Mean luma of each image, by time of day."""
    pixels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    holding: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    """Number of images with each id."""

    @property
    def files(self) -> int:
        """The samples and the files that could not be paired."""
        return len(self.dataset) + len(self.dataset.problems)

    @property
    def refused(self) -> bool:
        """Whether too many files are bad."""
        return len(self.problems) > MAX_BAD * self.files

    @property
    def void_share(self) -> float:
        """The share of label pixels that are unlabelled."""
        void = self.pixels[list(self.dataset.void)].sum()
        return float(void / self.pixels.sum()) if self.pixels.any() else float("nan")

    def class_shares(self) -> NDArray[np.float64]:
        """Return the share of each stored id in the pixels that are not void, (256,)."""
        counted = self.pixels.astype(float)
        counted[list(self.dataset.void)] = 0.0
        return np.asarray(counted / max(1.0, counted.sum()))

    def add(self, check: SampleCheck) -> None:
        """Count one sample."""
        if check.problem:
            self.problems.append(check.problem)
            return
        self.sizes[f"{check.size[1]}x{check.size[0]}"] += 1
        self.lumas[check.sample.time_of_day or "unknown"].append(check.luma)
        if check.pixels is not None:
            self.pixels += check.pixels
            self.holding += check.pixels > 0


def check_samples(dataset: DrivingSet, threads: int = 0) -> Iterator[SampleCheck]:
    """Read every sample of `dataset`, in its order, in parallel."""
    foreign = dataset.foreign_ids()

    def check(sample: Sample) -> SampleCheck:
        nothing = ((0, 0), 0.0, None)
        try:
            grey = decode(sample.image, cv2.IMREAD_GRAYSCALE)
            size = (grey.shape[0], grey.shape[1])
            if sample.label is None:
                return SampleCheck(sample, "", size, float(grey.mean()), None)
            label = read_label(sample.label)
        except NightsegError as error:
            return SampleCheck(sample, str(error), *nothing)
        if label.shape != size:
            wrong = f"{label.shape[1]}x{label.shape[0]}, its image {size[1]}x{size[0]}"
            return SampleCheck(sample, f"{sample.label}: the label is {wrong}", *nothing)
        pixels = np.bincount(label.ravel(), minlength=256)
        illegal = np.flatnonzero((pixels > 0) & (foreign > 0))
        if illegal.size:
            listed = ", ".join(map(str, illegal[:8]))
            what = f"contains {listed}, which {dataset.label_set} does not have"
            return SampleCheck(sample, f"{sample.label}: {what}", *nothing)
        return SampleCheck(sample, "", size, float(grey.mean()), pixels.astype(np.int64))

    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        yield from pool.map(check, dataset.samples)


def gather(dataset: DrivingSet, checks: Iterable[SampleCheck]) -> Findings:
    """Summarise the checks of the samples of `dataset`."""
    findings = Findings(dataset, problems=list(dataset.problems))
    for check in checks:
        findings.add(check)
    return findings


def shared_between_splits(sets: Sequence[DrivingSet]) -> list[str]:
    """Return a line for each clip, or each name, that is in more than one labelled split.

    Frames of one drive in both train and val make the val score too high.
    """
    notes = []
    for what in ("clip", "name"):
        splits_of: dict[str, set[str]] = defaultdict(set)
        for part in sets:
            for sample in part.samples if part.label_set is not None else ():
                splits_of[getattr(sample, what)].add(sample.split)
        shared: dict[str, list[str]] = defaultdict(list)
        for value, splits in sorted(splits_of.items()):
            if value and len(splits) > 1:
                shared[" and in ".join(sorted(splits))].append(value)
        for where, values in shared.items():
            listed = ", ".join(values[:4]) + (", ..." if len(values) > 4 else "")
            notes.append(f"{len(values)} {what}{'s' * (len(values) > 1)} in {where}: {listed}")
    return notes
