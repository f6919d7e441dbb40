# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Saves the frames of a replay that a report shows: few, evenly spaced, small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nightseg_ros.bundles.routes import AUTO
from nightseg_ros.report.pictures import FrameViews, encoded

if TYPE_CHECKING:
    from nightseg_ros.bags.frames import BagFrame
    from nightseg_ros.labels.label_set import LabelSet
    from nightseg_ros.perception.frame_result import FrameResult

STRIP = "strip"
LIMIT = 24
"""Most frames kept of a bag; a bag with many cameras keeps two of each."""


class Strip:
    """Keeps every n-th frame of each camera, and doubles n whenever there are too many.

    The selection depends only on the number of frames seen, so a resumed replay finds on the disk
    exactly the frames that it would have kept itself.
    """

    def __init__(
        self,
        folder: Path,
        cameras: Sequence[str],
        labels: LabelSet,
        truth: tuple[LabelSet | str, LabelSet] | None = None,
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
        """Count a frame; return whether to keep it."""
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
        main = list(results.values())[-1]
        masks = [result.mask for name, result in results.items() if name != AUTO]
        pictures = self._views.of(frame.image.bgr(), main.mask, main.confidence, masks, frame.truth)
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            suffix, data = encoded(name, picture)
            (self._folder / f"{frame.index:06d}_{name}.{suffix}").write_bytes(data)
