# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the ground truth for the frames of a bag, and scores a drive of any length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bags.cdr_images import IMAGE
from nightseg_ros.bags.frames import BagFrame, camera_name, names_camera
from nightseg_ros.errors import NightsegError
from nightseg_ros.metrics.scores import Scores

if TYPE_CHECKING:
    from nightseg_ros.bags.source import Bag
    from nightseg_ros.labels.label_set import LabelSet

Counts = NDArray[np.int64]
MAX_BLOCKS = 1024


@dataclass(frozen=True)
class Truth:
    """The source of each camera's ground truth: a topic of the bag, or a folder."""

    topics: dict[str, str] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)

    @staticmethod
    def find(bag: Bag, cameras: Sequence[str], named: Sequence[str]) -> Truth:
        """Parse [CAMERA=]TOPIC|FOLDER; a folder without a camera is for all cameras."""
        truth = Truth()
        for text in named:
            camera, equals, source = text.rpartition("=")
            found = [name for name in cameras if names_camera(camera, name)]
            if not equals:
                found = list(cameras)
            if not found:
                raise NightsegError(
                    f"--gt {text} names no camera of the replay: {', '.join(cameras)}"
                )
            if source in bag.topics:
                if len(found) > 1:
                    raise NightsegError(
                        f"--gt {text} could be for {' or '.join(found)}; write --gt CAMERA=TOPIC"
                    )
                if bag.topics[source].kind != IMAGE:
                    raise NightsegError(f"--gt {source} is {bag.topics[source].kind}, need Image")
                truth.topics[found[0]] = source
            elif Path(source).is_dir():
                for name in found:
                    own = Path(source) / camera_name(name)
                    if len(found) > 1 and not own.is_dir():
                        raise NightsegError(f"there is no folder {own} with the masks of {name}")
                    truth.folders[name] = own if own.is_dir() else Path(source)
            else:
                raise NightsegError(f"--gt {source} is neither a topic of the bag nor a folder")
        return truth

    def of(self, frame: BagFrame) -> NDArray[np.uint8] | None:
        """Return the ids of a frame, or None where it has none."""
        folder = self.folders.get(frame.topic)
        if folder is None:
            return frame.truth
        file = folder / f"{frame.stamp_ns}.png"
        if not file.is_file():
            return None
        ids = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        if ids is None or ids.ndim != 2 or ids.dtype != np.uint8:
            raise NightsegError(f"{file} is not a mask; a mask is a PNG of one 8-bit channel")
        return np.asarray(ids, np.uint8)


class DriveScores:
    """Sums counts over blocks of successive frames, whose length doubles in a long drive.

    So the memory is bounded, and the bootstrap draws blocks of the drive instead of single frames,
    which are too similar to their neighbours to be independent.
    """

    def __init__(self, labels: LabelSet) -> None:
        self.labels = labels
        self._blocks: list[Counts] = []
        self._length = 1
        self._filled = 1
        self._holding = np.zeros(labels.count, np.int64)
        self._pixels = 0
        self.frames = 0

    def add(self, counts: Counts, pixels: int) -> None:
        """Add the counts of one frame."""
        if self._filled == self._length:
            if len(self._blocks) == MAX_BLOCKS:
                self._blocks = [
                    a + b for a, b in zip(self._blocks[::2], self._blocks[1::2], strict=True)
                ]
                self._length *= 2
            self._blocks.append(np.zeros_like(counts))
            self._filled = 0
        self._blocks[-1] += counts
        self._filled += 1
        self._holding += counts.sum(axis=1) > 0
        self._pixels += pixels
        self.frames += 1

    def to_dict(self, bootstrap: int = 0) -> dict[str, Any]:
        """Return the scores as `Scores.to_dict` does, with images counted in frames."""
        result = Scores(self.labels, np.stack(self._blocks), self._pixels).to_dict(bootstrap)
        result["images"] = self.frames
        result["frames_per_block"] = self._length
        for row, images in zip(result["per_class"].values(), self._holding, strict=True):
            row["images"] = int(images)
        return result
