# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag of any length for measurements: a short rendered drive, over and over, with new stamps."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import cv2

from nightseg_ros.drive.render import Renderer
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bags.cdr_images import with_stamp
from nightseg_ros.evaluation.bags.frames import COMPRESSED, IMAGE
from nightseg_ros.whole_bag import WholeBag

START_NS = 1_767_283_200 * 10**9
TOPIC = "/camera/image"
JPEG_QUALITY = 90
FREE_SHARE = 0.8
"""Of the free disk, that a measurement may fill."""


@dataclass(frozen=True)
class LongDrive:
    """What the bag shall hold; `distinct` frames are rendered, all others repeat them."""

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

    def _serialised(self, bgr: cv2.typing.MatLike) -> bytes:
        height, width = bgr.shape[:2]
        header = self._header(START_NS, "camera")
        if self._drive.raw:
            message = self._message(
                IMAGE,
                header=header,
                height=height,
                width=width,
                encoding="bgr8",
                is_bigendian=0,
                step=3 * width,
                data=bgr.ravel(),
            )
        else:
            good, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            if not good:
                raise NightsegError("a frame could not be encoded as JPEG; use --raw")
            message = self._message(
                COMPRESSED, header=header, format="bgr8; jpeg compressed bgr8", data=data.ravel()
            )
        return bytes(self._types.serialize_cdr(message, message.__msgtype__))
