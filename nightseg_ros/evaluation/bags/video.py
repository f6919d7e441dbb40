# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A video file read as if it were a bag with one camera: all that takes a bag takes a video."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, final

import cv2
import numpy as np

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bags.cdr_images import ImageWriter
from nightseg_ros.evaluation.bags.frames import IMAGE
from nightseg_ros.evaluation.bags.salvage import Message
from nightseg_ros.evaluation.bags.source import Bag, Topic

VIDEOS = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv"}
TOPIC = "/video/image"
START_NS = 10**9
"""The stamp of the first frame; zero would mean no stamp at all."""
USUAL_HZ = 30.0
MISSING_SHARE = 0.02
"""Containers guess their length; a video this much shorter than it says is damaged."""


def is_video(path: Path) -> bool:
    """Tell a video from other files by its name."""
    return path.suffix.lower() in VIDEOS


def open_video(path: Path) -> cv2.VideoCapture:
    """Open a video; one that cannot be decoded is found out by reading from it."""
    # FFmpeg writes its own words about a bad file to stderr; ours name the file. -8 is "quiet".
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    return cv2.VideoCapture(str(path))


def frame_rate(video: cv2.VideoCapture) -> float:
    """Return the frames per second that a video says it has, if that can be true."""
    rate = video.get(cv2.CAP_PROP_FPS) or 0.0
    return float(rate) if 0.0 < rate < 1000.0 else USUAL_HZ


def open_recording(path: Path) -> Bag:
    """Open a bag or a video."""
    return VideoBag(path) if path.is_file() and is_video(path) else Bag(path)


@final
class VideoBag(Bag):
    """The frames of a video as bgr8 images, stamped by their place in it."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise NightsegError(f"there is no video {path}")
        self.path = path
        self.damage = ""
        video = open_video(path)
        good, _ = video.read()
        self.hz = frame_rate(video)
        self._count = max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
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
        writer, video, index = ImageWriter(), open_video(self.path), 0
        try:
            while True:
                good, image = video.read()
                if not good:
                    break
                at = START_NS + round(index / self.hz * 1e9)
                yield Message(TOPIC, IMAGE, at, writer.cdr(_pixels(image), at, "video"))
                index += 1
        finally:
            video.release()
        if index < self._count * (1.0 - MISSING_SHARE) - 1:
            self.damage = f"{self.path}: it can be decoded for {index} of {self._count} frames"


def _pixels(image: Any) -> np.ndarray:
    return np.ascontiguousarray(image, np.uint8)
