# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Folders described by a manifest.csv, one row per image: the data package of this project.

A split is a folder, such as bdd_labelled/train, a folder above it, or else a name in the manifest's
column `split`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.datasets.image_files import IMAGE_ENDINGS
from nightseg_ros.learning.datasets.layout import set_name
from nightseg_ros.learning.datasets.sample import DrivingSet, Sample

MANIFEST = "manifest.csv"

_LABEL_SETS = {
    "cityscapes19_trainids": "cityscapes19",
    "camvid11_ids": "camvid11",
    "drivable_binary": "drivable",
    "none": None,
}
_COLUMNS = ("path", "label_path", "split", "time_of_day", "clip_id", "label_kind")


@dataclass(frozen=True)
class Package:
    """The layout with a manifest."""

    name: str = "nightseg"
    summary: str = "manifest.csv with path, label_path, split, time_of_day, label_kind"

    def splits(self, root: Path) -> list[str]:
        """Return the folders that hold images."""
        if not (root / MANIFEST).is_file():
            return []
        return sorted({_part(row) for row in _rows(root)})

    def folders(self, root: Path, asked: str) -> list[str]:
        """Return the folders at or below `asked`, or those whose column split says `asked`."""
        below = [part for part in self.splits(root) if f"{part}/".startswith(f"{asked}/")]
        if not asked or below:
            return below or self.splits(root)
        return sorted({_part(row) for row in _rows(root) if row["split"] == asked})

    def read(self, root: Path, split: str) -> DrivingSet:
        """Return one folder of images."""
        rows = [row for row in _rows(root) if _part(row) == split]
        if not rows:
            raise NightsegError(f"{root / MANIFEST}: no image lies in '{split}'")
        kinds = {row["label_kind"] for row in rows}
        if len(kinds) > 1 or not kinds <= _LABEL_SETS.keys():
            raise NightsegError(
                f"{root / MANIFEST}: '{split}' has label_kind {', '.join(sorted(kinds))}; "
                f"give one of {', '.join(sorted(_LABEL_SETS))}"
            )
        samples, problems = [], []
        for row in rows:
            image = root / row["path"]
            label = root / row["label_path"] if row["label_path"] else None
            missing = [path for path in (image, label) if path is not None and not path.is_file()]
            if missing:
                problems.append(f"{missing[0]}: is in {MANIFEST} but not there")
                continue
            name = PurePosixPath(row["path"]).stem
            samples.append(
                Sample(image, label, name, row["time_of_day"], None, row["clip_id"], split)
            )
        listed = {root / row["path"] for row in rows}
        there = {path for folder in {p.parent for p in listed} for path in _images(folder)}
        problems += [f"{path}: is not in {MANIFEST}" for path in sorted(there - listed)]
        (kind,) = kinds
        return DrivingSet(
            set_name(self.name, root, split),
            self.name,
            tuple(samples),
            _LABEL_SETS[kind],
            problems=tuple(problems),
        )


def _rows(root: Path) -> tuple[dict[str, str], ...]:
    path = root / MANIFEST
    return _parse(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _parse(path: Path, changed_ns: int) -> tuple[dict[str, str], ...]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        absent = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
        if absent:
            raise NightsegError(f"{path}: there is no column {', '.join(absent)}")
        rows = list(reader)
    for number, row in enumerate(rows, 2):
        for value in (row["path"], row["label_path"]):
            if value is None or value.startswith("/") or ".." in PurePosixPath(value).parts:
                raise NightsegError(f"{path}:{number}: '{value}' must be a path below its folder")
    return tuple(rows)


def _part(row: dict[str, str]) -> str:
    folder = PurePosixPath(row["path"]).parent
    return (folder.parent if folder.name == "images" else folder).as_posix()


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_ENDINGS]


LAYOUT = Package()
