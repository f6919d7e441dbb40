# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The frames of a replay that people will look at: few, evenly spread, small, on the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from nightseg_ros.evaluation.bags.frames import BagFrame
from nightseg_ros.evaluation.report.pictures import FrameViews, encoded
from nightseg_ros.labels import LabelSet
from nightseg_ros.perception.pipeline import FrameResult
from nightseg_ros.routes import AUTO

STRIP = "strip"
LIMIT = 24
"""Frames of a bag that are kept at most, as long as it has not more than half as many cameras."""


class Strip:
    """Keeps every n-th frame of each camera, and doubles n whenever there are too many.

    Which frames are kept follows from how many were seen, so a replay that goes on where it was
    stopped finds those on the disk that it would have kept itself.
    """

    def __init__(
        self,
        folder: Path,
        cameras: Sequence[str],
        labels: LabelSet,
        truth: tuple[str, LabelSet] | None = None,
        *,
        fresh: bool = True,
    ) -> None:
        """`truth`: see FrameViews; a `fresh` strip removes the pictures of another replay."""
        self._folder = folder
        for file in folder.glob("[0-9]*_*") if fresh else ():
            file.unlink()
        self._limit = max(2, LIMIT // max(1, len(cameras)))
        self._views = FrameViews(labels, truth)
        self._seen = dict.fromkeys(cameras, 0)
        self._every = dict.fromkeys(cameras, 1)
        self._kept: dict[str, dict[int, int]] = {camera: {} for camera in cameras}

    def seen(self, topic: str, index: int) -> bool:
        """Count a frame; return whether it is one of those to keep."""
        number, kept = self._seen[topic], self._kept[topic]
        self._seen[topic] += 1
        if number % self._every[topic]:
            return False
        if len(kept) == self._limit:
            self._every[topic] *= 2
            for old in [n for n in kept if n % self._every[topic]]:
                for file in self._folder.glob(f"{kept.pop(old):06d}_*"):
                    file.unlink()
            if number % self._every[topic]:
                return False
        kept[number] = index
        return True

    def write(self, frame: BagFrame, results: Mapping[str, FrameResult]) -> None:
        """Write the pictures of a frame as INDEX_NAME.jpg or .png."""
        assert frame.image is not None
        pixels = frame.image.pixels
        if frame.image.order == "rgb":
            pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.uint8)
        main = list(results.values())[-1]
        masks = [result.mask for name, result in results.items() if name != AUTO]
        pictures = self._views.of(pixels, main.mask, main.confidence, masks, frame.truth)
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            suffix, data = encoded(name, picture)
            (self._folder / f"{frame.index:06d}_{name}.{suffix}").write_bytes(data)
