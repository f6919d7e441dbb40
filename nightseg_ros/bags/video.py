# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads a video file like a bag with one camera, so that it can be used wherever a bag can."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import final

import cv2
import numpy as np

from nightseg_ros.bags.cdr_images import IMAGE, Messages
from nightseg_ros.bags.message import Message, Topic
from nightseg_ros.bags.source import Bag
from nightseg_ros.errors import NightsegError

VIDEOS = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv"}
TOPIC = "/video/image"
START_NS = 10**9
"""The stamp of the first frame; zero would mean no stamp."""
USUAL_HZ = 30.0
MISSING_SHARE = 0.02
"""Containers estimate their length; a video that is shorter by more than this is damaged."""


def is_video(path: Path) -> bool:
    """Return whether a file is a video, by its suffix."""
    return path.suffix.lower() in VIDEOS


def open_video(path: Path) -> cv2.VideoCapture:
    """Open a video; reading shows whether it can be decoded."""
    # FFmpeg writes messages about a bad file to stderr; ours name the file. -8 is "quiet".
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    return cv2.VideoCapture(str(path))


def frame_rate(video: cv2.VideoCapture) -> float:
    """Return the declared frames per second of a video, if plausible."""
    rate = video.get(cv2.CAP_PROP_FPS) or 0.0
    return float(rate) if 0.0 < rate < 1000.0 else USUAL_HZ


def open_recording(path: Path) -> Bag:
    """Open a bag or a video."""
    return VideoBag(path) if path.is_file() and is_video(path) else Bag(path)


def frame_count(video: cv2.VideoCapture) -> int:
    """Return the declared number of frames of a video; 0 where it has none."""
    return max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))


def shortfall(decoded: int, declared: int) -> str:
    """Return a note that a video is shorter than declared; empty where it is complete.

    >>> shortfall(14, 30)
    'it can be decoded for 14 of 30 frames'
    >>> shortfall(30, 30), shortfall(7, 0)
    ('', '')
    """
    if decoded >= declared * (1.0 - MISSING_SHARE) - 1:
        return ""
    return f"it can be decoded for {decoded} of {declared} frames"


@final
class VideoBag(Bag):
    """The frames of a video as bgr8 images, stamped by their position."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise NightsegError(f"there is no video {path}")
        self.path = path
        self.damage = ""
        video = open_video(path)
        good, _ = video.read()
        self.hz = frame_rate(video)
        self._count = frame_count(video)
        video.release()
        if not good:
            raise NightsegError(
                f"{path} is not a video that OpenCV can decode; convert it, for example with "
                "ffmpeg -i IN -c:v libx264 OUT.mp4"
            )
        self.topics = {TOPIC: Topic(IMAGE, self._count)}

    def messages(self, topics: Collection[str]) -> Iterator[Message]:
        """Yield the frames."""
        self.damage = ""
        if TOPIC not in topics:
            return
        make, video, index = Messages(), open_video(self.path), 0
        try:
            while True:
                good, image = video.read()
                if not good:
                    break
                at = START_NS + round(index / self.hz * 1e9)
                message = make.image(make.header(at, "video"), np.asarray(image, np.uint8), "bgr8")
                yield Message(TOPIC, IMAGE, at, make.cdr(message))
                index += 1
        finally:
            video.release()
        missing = shortfall(index, self._count)
        if missing:
            self.damage = f"{self.path}: {missing}"
