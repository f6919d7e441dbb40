# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A drive as plain files: images/*.jpg, labels/*.png, frames.csv and camera_info.json."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import final

import cv2

from nightseg_ros.drive.render import DriveFrame
from nightseg_ros.errors import NightsegError

JPEG_QUALITY = 92


@final
class FolderWriter:
    """Writes each frame as it comes; labels are 8-bit train ids, 255 unlabelled."""

    def __init__(self, path: Path) -> None:
        self._path = path
        for part in ("images", "labels"):
            (path / part).mkdir(parents=True, exist_ok=True)
        self._list = open(path / "frames.csv", "w", newline="", encoding="utf-8")  # noqa: SIM115
        self._rows = csv.writer(self._list)
        self._rows.writerow(["stem", "stamp_s", "light"])
        self._count = 0

    def write(self, frame: DriveFrame) -> None:
        """Append one frame."""
        stem = f"{self._count:06d}"
        if not self._count:
            text = json.dumps(frame.camera_info, indent=2)
            (self._path / "camera_info.json").write_text(text + "\n", encoding="utf-8")
        image = self._path / "images" / f"{stem}.jpg"
        label = self._path / "labels" / f"{stem}.png"
        quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        if not (
            cv2.imwrite(str(image), frame.image_bgr, quality)
            and cv2.imwrite(str(label), frame.labels)
        ):
            raise NightsegError(f"cannot write {image}; is there room on the disk?")
        self._rows.writerow([stem, f"{frame.stamp_s:.6f}", frame.illumination_phase])
        self._count += 1

    def __enter__(self) -> FolderWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._list.close()
