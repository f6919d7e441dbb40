# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Folders of pictures by class, in the layout of CODaN: SPLIT/CLASS/*.jpg.

CODaN (Common Objects Day and Night) has ten classes and the splits train and val by day, test_day
and test_night; any folder of this layout works. Its pictures are not part of this package.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.datasets.image_files import IMAGE_ENDINGS, read_image
from nightseg_ros.datasets.layout import Tree, TreeLayout
from nightseg_ros.errors import NightsegError

LAYOUT = TreeLayout(
    name="codan",
    summary="train, val, test_day, test_night with CLASS/*.jpg below, taken as unlabelled images",
    trees=(Tree("{split}", only=("train", "val", "test_day", "test_night")),),
    time_of_day=lambda split, _: "night" if split == "test_night" else "day",
)
"""For uses without classes: the darkening module is trained on its day pictures."""


@dataclass(frozen=True)
class Picture:
    """A file and the number of its class."""

    path: Path
    label: int


@dataclass(frozen=True)
class PictureSet:
    """The pictures of one split, class by class."""

    name: str
    classes: tuple[str, ...]
    pictures: tuple[Picture, ...]

    def __len__(self) -> int:
        return len(self.pictures)

    def load(self, side: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return all pictures as squares (N, side, side, 3) RGB, and their labels (N,)."""
        images = [to_square(read_image(picture.path), side) for picture in self.pictures]
        labels = [picture.label for picture in self.pictures]
        return np.stack(images), np.array(labels, np.int64)


def open_split(folder: Path, split: str, classes: tuple[str, ...] = ()) -> PictureSet:
    """Open one split; `classes` fixes its classes and their order."""
    root = folder / split
    if not root.is_dir():
        there = sorted(p.name for p in folder.glob("*") if p.is_dir())
        raise NightsegError(
            f"{folder} has no split '{split}'; it has {', '.join(there) or 'no folders'}; "
            "expected SPLIT/CLASS/*.jpg"
        )
    found = tuple(sorted(path.name for path in root.iterdir() if path.is_dir()))
    unknown = sorted(set(found) - set(classes))
    if classes and unknown:
        raise NightsegError(f"{root}: class '{unknown[0]}' is none of {', '.join(classes)}")
    classes = classes or found
    pictures = tuple(
        Picture(path, label)
        for label, name in enumerate(classes)
        for path in sorted((root / name).glob("*"))
        if path.suffix.lower() in IMAGE_ENDINGS
    )
    if not pictures:
        raise NightsegError(f"{root} contains no pictures; expected {split}/CLASS/*.jpg")
    return PictureSet(str(root), classes, pictures)


def to_square(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return the middle square of an image at `side` by `side` pixels."""
    height, width = image.shape[:2]
    inner = min(height, width)
    top, left = (height - inner) // 2, (width - inner) // 2
    square = image[top : top + inner, left : left + inner]
    how = cv2.INTER_AREA if inner > side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (side, side), interpolation=how), np.uint8)
