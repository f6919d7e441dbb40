# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The night frames of BDD10K, by a list next to the set or by the attributes of BDD100K.

A list is a text file night.txt or SPLIT_night.txt with one frame a line, as papers publish them.
Without one the attribute `timeofday` is read from the label files of BDD100K; many frames of BDD10K
are missing there and are left out. Some attributes are wrong, so a verified list is better. Do not
test models trained on BDD10K's train on lists that contain frames of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from nightseg_ros.datasets import bdd10k
from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.datasets.sample import DrivingSet

LISTS = ("{split}_night.txt", "night_{split}.txt", "night.txt")
ATTRIBUTES = (
    "labels/bdd100k_labels_images_{part}.json",
    "labels/det_20/det_{part}.json",
    "bdd100k_labels_images_{part}.json",
    "det_{part}.json",
)
PARTS = ("train", "val", "test")  # a frame's split in BDD10K is not that in BDD100K


@dataclass(frozen=True)
class BddNight:
    """BDD10K's folders, reading only the night frames."""

    name: str = "bdd_night"
    summary: str = (
        "as bdd10k, with night.txt or SPLIT_night.txt, or labels/bdd100k_labels_images_*.json "
        "(also labels/det_20/det_*.json) of BDD100K"
    )

    def splits(self, root: Path) -> list[str]:
        """Return the splits; none without a list or attributes of night frames."""
        there = bdd10k.LAYOUT.splits(root)
        attributes = bool(_attribute_files(root))
        return [split for split in there if attributes or _list_file(root, split)]

    def read(self, root: Path, split: str) -> DrivingSet:
        """Return the night frames of one split."""
        whole = bdd10k.LAYOUT.read(root, split)
        listed = _list_file(root, split)
        names = _listed(listed) if listed else _by_attributes(_attribute_files(root))
        samples = tuple(
            replace(sample, time_of_day="night")
            for sample in whole.samples
            if sample.image.stem in names
        )
        if not samples:
            source = listed or _attribute_files(root)[0].parent
            raise NightsegError(f"{source} names no night frame of {root}, split '{split}'")
        problems = tuple(
            text for text in whole.problems if PurePosixPath(text.partition(": ")[0]).stem in names
        )
        return replace(
            whole,
            name=f"{self.name}:{root}:{split}",
            layout=self.name,
            samples=samples,
            problems=problems,
        )


def _list_file(root: Path, split: str) -> Path | None:
    found = (root / name.format(split=split) for name in LISTS)
    return next((path for path in found if path.is_file()), None)


def _attribute_files(root: Path) -> list[Path]:
    paths = (root / name.format(part=part) for name in ATTRIBUTES for part in PARTS)
    return [path for path in paths if path.is_file()]


def _listed(path: Path) -> frozenset[str]:
    """Return the frames of a list; paths and suffixes are allowed, # starts a comment."""
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return frozenset(PurePosixPath(line).stem for line in lines if line)


def _by_attributes(paths: Iterable[Path]) -> frozenset[str]:
    """Return the frames whose attribute timeofday is night."""
    names: set[str] = set()
    for path in paths:
        try:
            frames: Any = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise NightsegError(f"{path} is not JSON ({error}); download it again") from error
        if isinstance(frames, dict):  # newer tools wrap the list
            frames = frames.get("frames")
        if not isinstance(frames, list) or not all(isinstance(frame, dict) for frame in frames):
            raise NightsegError(f"{path} contains no list of frames; use the label file of BDD100K")
        for frame in frames:
            attributes = frame.get("attributes") or {}
            if attributes.get("timeofday") == "night":
                names.add(PurePosixPath(str(frame.get("name", ""))).stem)
    return frozenset(names)


LAYOUT = BddNight()
