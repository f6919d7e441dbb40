# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Folders described by a manifest.csv, one row per image: the data package of this project.

A split is a folder, such as bdd_labelled/train, a folder above it, or else a name in the manifest's
column `split`. Labels that were added later, in a folder with its own manifest, may belong to
images in the folders above.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from nightseg_ros.datasets.image_files import IMAGE_ENDINGS
from nightseg_ros.datasets.layout import set_name
from nightseg_ros.datasets.sample import DrivingSet, Sample
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import KNOWN

MANIFEST = "manifest.csv"

_LABEL_SETS = {
    "cityscapes19_trainids": "cityscapes19",
    "cityscapes19_trainids_5of19": "cityscapes19",  # the other fourteen are unlabelled
    "idd7_level1": "idd7",
    "comma5": "comma5",
    "drivable_direct1_alternative2": "bdd_drivable_maps",
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
        """Return the folders that contain images."""
        if not (root / MANIFEST).is_file():
            return []
        return sorted({_part(row) for row in _rows(root)})

    def folders(self, root: Path, asked: str) -> list[str]:
        """Return the folders at or below `asked`, or those whose column split is `asked`."""
        below = [part for part in self.splits(root) if f"{part}/".startswith(f"{asked}/")]
        if not asked or below:
            return below or self.splits(root)
        return sorted({_part(row) for row in _rows(root) if row["split"] == asked})

    def read(self, root: Path, split: str) -> DrivingSet:
        """Return one folder of images."""
        rows = [row for row in _rows(root) if _part(row) == split]
        if not rows:
            raise NightsegError(f"{root / MANIFEST}: no image is in '{split}'")
        kinds = {row["label_kind"] for row in rows}
        known = {**_LABEL_SETS, **{name: name for name in KNOWN}}
        if len(kinds) > 1 or not kinds <= known.keys():
            raise NightsegError(
                f"{root / MANIFEST}: '{split}' has label_kind {', '.join(sorted(kinds))}; "
                f"give one of {', '.join(sorted(known))}"
            )
        samples, problems = [], []
        for row in rows:
            image = _place(root, row["path"])
            label = _place(root, row["label_path"]) if row["label_path"] else None
            missing = [path for path in (image, label) if path is not None and not path.is_file()]
            if missing:
                problems.append(f"{missing[0]}: is in {MANIFEST} but does not exist")
                continue
            name = PurePosixPath(row["path"]).stem
            samples.append(
                Sample(image, label, name, row["time_of_day"], None, row["clip_id"], split)
            )
        listed = {_place(root, row["path"]) for row in rows}
        own = {path.parent for path in listed if path.is_relative_to(root)}
        there = {path for folder in own for path in _images(folder)}
        problems += [f"{path}: is not in {MANIFEST}" for path in sorted(there - listed)]
        (kind,) = kinds
        return DrivingSet(
            set_name(self.name, root, split),
            self.name,
            tuple(samples),
            known[kind],
            problems=tuple(problems),
        )


def _rows(root: Path) -> tuple[dict[str, str], ...]:
    path = root / MANIFEST
    return _parse(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _parse(path: Path, _changed_ns: int) -> tuple[dict[str, str], ...]:
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


def _place(root: Path, path: str) -> Path:
    """Return the file at `path` below `root`, or below one of the two folders above it.

    A package of labels alone refers to images in the package that it extends.
    """
    bases = (root, root.parent, root.parent.parent)
    return next((base / path for base in bases if (base / path).is_file()), root / path)


def _part(row: dict[str, str]) -> str:
    folder = PurePosixPath(row["path"]).parent
    return (folder.parent if folder.name == "images" else folder).as_posix()


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_ENDINGS]


LAYOUT = Package()
