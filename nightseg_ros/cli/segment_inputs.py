# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The images and videos that are named to `nightseg segment`, and the names of its results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bags.video import VIDEOS, frame_count, frame_rate, is_video, open_video, shortfall
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.regular import read_regular, require_regular

MASK, OVERLAY = ".png", "_overlay.jpg"
"""What is put behind the stem of an input."""
MAX_IMAGE_BYTES = 1 << 30
"""More than the largest image that is decoded, without compression."""
IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pnm"}


@dataclass(frozen=True)
class Frame:
    """One picture to segment: BGR pixels, the stem of its results, and its time in a video."""

    image: NDArray[np.uint8]
    stem: str
    time_s: float


def find_inputs(named: Iterable[Path]) -> list[Path]:
    """Return the files that are meant: a folder stands for the images and videos in it."""
    files: list[Path] = []
    for path in named:
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(p for p in path.iterdir() if _known(p) and not p.is_dir())
        if not inside:
            raise NightsegError(f"folder {path} holds no image and no video; name another one")
        files += inside
    return files


def check_names(files: Sequence[Path], out: Path, *, overlays: bool) -> None:
    """Refuse inputs whose results would overwrite each other, or any input."""
    images: dict[str, Path] = {}
    videos: dict[str, Path] = {}
    for file in files:
        same = videos if is_video(file) else images
        if file.stem in same:
            raise NightsegError(
                f"{same[file.stem]} and {file} would be written under the same names; "
                "rename one, or segment them into different folders"
            )
        same[file.stem] = file
    for stem, file in images.items():
        frame = re.fullmatch(r"(.+)_\d{6,}", stem)
        if frame and frame[1] in videos:
            raise NightsegError(
                f"{file} could be overwritten by a frame of {videos[frame[1]]}; "
                "rename one, or segment them into different folders"
            )
    endings = (MASK, OVERLAY) if overlays else (MASK,)
    results = {f"{stem}{ending}": file for stem, file in images.items() for ending in endings}
    for file in files:
        for place in (file.resolve(), file.parent.resolve() / file.name):
            if place.parent != out.resolve():
                continue
            frame = re.fullmatch(r"(.+)_\d{6,}(.+)", place.name)
            source = results.get(place.name)
            if frame and frame[2] in endings:
                source = source or videos.get(frame[1])
            if source is not None:
                raise NightsegError(
                    f"{file}: a result of {source} would replace it; choose another --out"
                )


def count_frames(path: Path) -> int:
    """Return about how many pictures the file holds, as far as that is known beforehand."""
    if not (is_video(path) and path.is_file()):
        return 1
    video = open_video(path)
    count = frame_count(video) if video.isOpened() else 1
    video.release()
    return max(1, count)


def read_frames(path: Path) -> Iterator[Frame]:
    """Yield the pictures of the file, or raise NightsegError with the reason why not."""
    if is_video(path):
        yield from _read_video(path)
    else:
        yield Frame(_read_image(path), path.stem, 0.0)


def _read_image(path: Path) -> NDArray[np.uint8]:
    try:
        data = np.frombuffer(read_regular(path, MAX_IMAGE_BYTES), np.uint8)
    except OSError as error:
        raise NightsegError(f"cannot read {path} ({error.strerror})") from error
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error as error:  # for instance more pixels than OpenCV agrees to decode
        raise NightsegError(f"cannot decode {path} ({str(error).splitlines()[0]})") from error
    if image is None:
        raise NightsegError(f"{path} is not an image that OpenCV can decode")
    return np.asarray(image, np.uint8)


def _read_video(path: Path) -> Iterator[Frame]:
    try:
        require_regular(path)
    except OSError as error:
        raise NightsegError(f"cannot read {path} ({error.strerror})") from error
    video = open_video(path)
    try:
        rate, promised = frame_rate(video), frame_count(video)
        index = 0
        while True:
            good, image = video.read()
            if not good:
                break
            yield Frame(np.asarray(image, np.uint8), f"{path.stem}_{index:06d}", index / rate)
            index += 1
    finally:
        video.release()
    if index == 0:
        raise NightsegError(f"{path} is not a video that OpenCV can decode")
    missing = shortfall(index, promised)
    if missing:
        raise NightsegError(f"{path} is cut off or damaged: {missing}; get the whole file")


def _known(path: Path) -> bool:
    return path.suffix.lower() in IMAGES | VIDEOS
