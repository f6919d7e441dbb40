# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes masks in the format of the test servers of Dark Zurich and ACDC.

Three folders side by side, flat, files named as the input frames:
    labelTrainIds          uint8, ids 0 to 18: scored by IoU
    labelTrainIds_invalid  the same with 255 where the network is unsure: scored by UIoU
    confidence             uint16, 0 to 65535 for 0 to 1: scored by the average UIoU
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import atomic_file, write_atomically
from nightseg_ros.labels.label_set import CITYSCAPES19, IGNORE, LabelSet
from nightseg_ros.labels.lookup import lookup

LABELS, UNSURE, CONFIDENCE = FOLDERS = ("labelTrainIds", "labelTrainIds_invalid", "confidence")
ARCHIVE = "submission.zip"
SIZE = (1080, 1920)
"""Rows and columns that the servers require."""


class Submission:
    """Writes frames one by one, and finally the archive to upload."""

    def __init__(self, folder: Path, labels: LabelSet, invalid_below: float = 0.0) -> None:
        """Pixels whose confidence is below `invalid_below` become 255 in the second folder."""
        if not 0.0 <= invalid_below <= 1.0:
            raise NightsegError(f"--invalid-below is {invalid_below:g}; it must be from 0 to 1")
        self.folder = folder
        self._level = math.ceil(invalid_below * 255)
        self._table: NDArray[np.uint8] | None = None
        if labels.name != CITYSCAPES19.name:
            self._table = lookup(labels, CITYSCAPES19)
        self._names: set[str] = set()
        for name in FOLDERS:
            if any((folder / name).glob("*")):
                raise NightsegError(
                    f"{folder / name} contains another submission; remove it, or name "
                    "another folder"
                )
            (folder / name).mkdir(parents=True, exist_ok=True)

    def write(self, image: Path, mask: NDArray[np.uint8], confidence: NDArray[np.uint8]) -> None:
        """Write the three files of the frame `image`."""
        if mask.shape != SIZE:
            raise NightsegError(
                f"{image} is {mask.shape[1]}x{mask.shape[0]}; the servers accept frames of "
                f"{SIZE[1]}x{SIZE[0]}, the size of these sets"
            )
        name = f"{image.stem}.png"
        if name in self._names:
            raise NightsegError(f"two frames are named {name}; a submission has no sub-folders")
        self._names.add(name)
        ids = mask if self._table is None else self._table[mask]
        unsure = np.where(confidence < self._level, np.uint8(IGNORE), ids)
        wide = confidence.astype(np.uint16) * np.uint16(257)
        for folder, picture in ((LABELS, ids), (UNSURE, unsure), (CONFIDENCE, wide)):
            good, data = cv2.imencode(".png", picture)
            if not good:
                raise NightsegError(f"{folder} of {image} could not be encoded as PNG")
            write_atomically(self.folder / folder / name, data.tobytes(), one_of_many=True)

    def close(self) -> Path:
        """Write the archive with the three folders at its top, and return it."""
        archive = self.folder / ARCHIVE
        # PNGs cannot be compressed further.
        with atomic_file(archive) as place, zipfile.ZipFile(place, "w") as file:
            for folder in FOLDERS:
                for name in sorted(self._names):
                    file.write(self.folder / folder / name, f"{folder}/{name}")
        return archive
