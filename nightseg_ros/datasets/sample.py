# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One labelled (or unlabelled) image, and a set of them that can be loaded in parallel."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.datasets.image_files import read_image, read_label
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import IGNORE, LabelSet, label_set
from nightseg_ros.labels.lookup import lookup

Pair = tuple["Sample", NDArray[np.uint8], "NDArray[np.uint8] | None"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sample:
    """The files of one frame and its metadata; unknown fields are empty."""

    image: Path
    label: Path | None
    name: str
    """The path below the split without suffixes, unique in its split."""
    time_of_day: str = ""
    """"day", "night", "dusk" or "dark" (dark by day)."""
    invalid: Path | None = None
    """A mask of pixels whose label the annotator guessed (Dark Zurich, ACDC)."""
    clip: str = ""
    """The id of its drive; frames of one drive must not be in both train and val."""
    split: str = ""
    time_measured: bool = False
    """Whether the time of day was measured, not given by the data set."""

    def load_invalid(self) -> NDArray[np.bool_] | None:
        """Return which pixels are invalid, None where the set does not say."""
        return None if self.invalid is None else read_label(self.invalid) > 0


@dataclass(frozen=True)
class DrivingSet:
    """The samples of a data set, or of a part of it, that share one label set."""

    name: str
    layout: str
    samples: tuple[Sample, ...]
    label_set: str | None
    """Name of the label set as stored; None if unlabelled."""
    void: frozenset[int] = frozenset({IGNORE})
    """Stored ids that mean unlabelled although the label set does not contain them."""
    problems: tuple[str, ...] = ()
    """Files that were left out, with the reason."""

    def __len__(self) -> int:
        return len(self.samples)

    def load_image(self, sample: Sample) -> NDArray[np.uint8]:
        """Return the (H, W, 3) uint8 RGB image."""
        return read_image(sample.image)

    def load_label(
        self, sample: Sample, target: LabelSet | str = "cityscapes19"
    ) -> NDArray[np.uint8]:
        """Return the (H, W) uint8 ids in the label set `target`, 255 where unlabelled."""
        if self.label_set is None or sample.label is None:
            raise NightsegError(f"{sample.image} has no label; choose a labelled part of the set")
        stored = read_label(sample.label)
        foreign = self.foreign_ids()
        if cv2.LUT(stored, foreign).any():
            raise NightsegError(
                f"{sample.label}: id {stored[foreign[stored] > 0].min()} is not in label set "
                f"{self.label_set}; name the right one, or fix the label"
            )
        return np.asarray(cv2.LUT(stored, lookup(self.label_set, target)), np.uint8)

    def foreign_ids(self) -> NDArray[np.uint8]:
        """Return a (256,) table, 1 for each id that is invalid in this set."""
        table = np.ones(256, np.uint8)
        if self.label_set is not None:
            stored = label_set(self.label_set)
            table[: stored.count] = 0
            table[list(stored.void)] = 0
        table[list(self.void)] = 0
        return table

    def load_pair(
        self, sample: Sample, target: LabelSet | str = "cityscapes19"
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return image and label, which must have the same size."""
        image, label = self.load_image(sample), self.load_label(sample, target)
        if image.shape[:2] != label.shape:
            raise NightsegError(
                f"{sample.label}: the label is {_size(label)}, its image {_size(image)}"
            )
        return image, label

    def load_all(
        self,
        target: LabelSet | str | None = "cityscapes19",
        *,
        max_bad: float = 0.01,
        threads: int = 2,
    ) -> Iterator[Pair]:
        """Yield (sample, image, label) of every good sample in order, reading ahead in threads.

        Bad files are logged and skipped; more than the share `max_bad` is an error. With `target`
        None only images are read and the label is None.
        """
        bad = list(self.problems)
        total = len(self.samples) + len(bad)

        def reject(reason: str) -> None:
            _log.warning("skipped: %s", reason)
            if len(bad) > max_bad * total:
                raise NightsegError(
                    f"{self.name}: {len(bad)} of {total} files are bad, more than {max_bad:.0%}: "
                    f"{'; '.join(bad[:3])}; run `nightseg data check`"
                )

        for reason in bad:
            reject(reason)
        for sample, future in self._read_ahead(target, threads):
            try:
                image, label = future.result()
            except NightsegError as error:
                bad.append(str(error))
                reject(str(error))
            else:
                yield sample, image, label

    def _read_ahead(
        self, target: LabelSet | str | None, threads: int
    ) -> Iterator[tuple[Sample, Future[tuple[NDArray[np.uint8], NDArray[np.uint8] | None]]]]:
        def read(sample: Sample) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
            if target is None:
                return self.load_image(sample), None
            return self.load_pair(sample, target)

        with ThreadPoolExecutor(threads) as pool:
            waiting: deque[tuple[Sample, Future]] = deque()
            try:
                for sample in self.samples:
                    waiting.append((sample, pool.submit(read, sample)))
                    if len(waiting) > 2 * threads:
                        yield waiting.popleft()
                while waiting:
                    yield waiting.popleft()
            finally:
                for _, future in waiting:
                    future.cancel()

    def only(self, times: frozenset[str]) -> DrivingSet:
        """Return the samples of these times of day; every sample must know its time."""
        unknown = [sample for sample in self.samples if not sample.time_of_day]
        if unknown:
            raise NightsegError(f"{unknown[0].image}: its time of day is unknown")
        samples = tuple(sample for sample in self.samples if sample.time_of_day in times)
        if not samples:
            known = ", ".join(sorted({sample.time_of_day for sample in self.samples}))
            raise NightsegError(
                f"{self.name} contains no {' or '.join(sorted(times))} frames; it has {known}"
            )
        return replace(self, samples=samples)


def _size(array: NDArray[np.uint8]) -> str:
    return f"{array.shape[1]}x{array.shape[0]}"
