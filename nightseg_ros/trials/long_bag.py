# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag of any length for measurements: a short rendered drive, over and over, with new stamps."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from nightseg_ros.bags.cdr_images import COMPRESSED, IMAGE, with_stamp
from nightseg_ros.bags.whole_bag import WholeBag
from nightseg_ros.drive.render import Renderer
from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

START_NS = 1_767_283_200 * 10**9
TOPIC = "/camera/image"
JPEG_QUALITY = 90
FREE_SHARE = 0.8
"""The share of the free disk that a measurement may fill."""


@dataclass(frozen=True)
class LongDrive:
    """What the bag must hold; `distinct` frames are rendered, all others repeat them."""

    frames: int
    width: int = 1280
    height: int = 720
    fps: float = 30.0
    distinct: int = 48
    raw: bool = False
    seed: int = 1


@final
class LongBag(WholeBag):
    """One mcap file; frames go to the disk one by one."""

    def __init__(self, path: Path, drive: LongDrive, largest_bytes: float) -> None:
        super().__init__(path)
        self._place, self._drive, self._largest = path.parent, drive, largest_bytes
        kind = IMAGE if drive.raw else COMPRESSED
        self._camera = self._topic(TOPIC if drive.raw else f"{TOPIC}/compressed", kind)

    def fill(self, advance: Callable[[str], None]) -> int:
        """Write all frames and return their bytes; too many of them are refused beforehand."""
        drive = self._drive
        distinct = min(drive.distinct, drive.frames)
        renderer = Renderer(drive.seed, distinct, (drive.width, drive.height), drive.fps)
        messages = []
        for index in range(distinct):
            messages.append(self._serialised(renderer.frame(index).image_bgr))
            advance("rendered")
        size = sum(map(len, messages)) * drive.frames // distinct
        self._check(size)
        for index in range(drive.frames):
            at = START_NS + round(index / drive.fps * 1e9)
            self._writer.write(self._camera, at, with_stamp(messages[index % distinct], at))
            advance("written")
        return size

    def _check(self, size: int) -> None:
        free = shutil.disk_usage(self._place).free
        limit = min(self._largest, FREE_SHARE * free)
        if size > limit:
            raise NightsegError(
                f"the bag of {self._drive.frames} frames would take {size / 1e9:.1f} GB in "
                f"{self._place}, the limit is {limit / 1e9:.1f} GB ({free / 1e9:.1f} GB are free); "
                "take fewer minutes, compressed images, another --scratch or a larger --max-disk-gb"
            )

    def _serialised(self, bgr: NDArray[np.uint8]) -> bytes:
        header = self.header(START_NS, "camera")
        if self._drive.raw:
            return self.cdr(self.image(header, bgr, "bgr8"))
        return self.cdr(self.jpeg(header, bgr, JPEG_QUALITY))
