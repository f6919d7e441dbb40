# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plain folders: images/ and labels/ side by side, images/ alone, or just a folder of images.

A file class_names.txt beside them, with a line "ID NAME" for each class, says which label set the
ids are of; without it they are taken as Cityscapes train ids. UNDD comes as plain folders with raw
Cityscapes label ids, and has a layout of its own for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nightseg_ros.errors import NightsegError
from nightseg_ros.label_maps import SETS
from nightseg_ros.labels import IGNORE, label_set
from nightseg_ros.learning.datasets.layout import Tree, TreeLayout
from nightseg_ros.learning.datasets.sample import DrivingSet


def plain_trees(stored: str) -> tuple[Tree, ...]:
    """Return the trees of plain folders whose labels are `stored` unless their names say else."""
    endings = (
        ("_labelIds.png", "cityscapes_ids"),
        ("_labelTrainIds.png", "cityscapes19"),
        (".png", stored),
    )
    return (
        Tree("images/{split}", "labels/{split}", label_endings=endings),
        Tree("images", "labels", label_endings=endings),
        Tree("{split}/images", "{split}/labels", label_endings=endings),
    )


@dataclass(frozen=True)
class PlainFolder:
    """images/ and labels/, in one folder, with splits below or above."""

    name: str = "folder"
    summary: str = "images/ and labels/ (perhaps with SPLIT below or above), class_names.txt"

    def splits(self, root: Path) -> list[str]:
        """Return the splits, one without a name where there are none."""
        return self._layout("cityscapes19").splits(root)

    def read(self, root: Path, split: str) -> DrivingSet:
        """Return one split; its label set is the one whose names class_names.txt lists."""
        names = next((p for p in (root, root.parent) if (p / "class_names.txt").is_file()), None)
        stored = named_label_set(names / "class_names.txt") if names else "cityscapes19"
        return self._layout(stored).read(root, split)

    def _layout(self, stored: str) -> TreeLayout:
        return TreeLayout(self.name, self.summary, plain_trees(stored), needs_labels=True)


def named_label_set(path: Path) -> str:
    """Return the label set whose class names a class_names.txt holds."""
    names = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        id, _, name = line.strip().partition(" ")
        if not id:
            continue
        if not id.isdigit() or not name:
            raise NightsegError(f"{path}:{number}: '{line}' is not 'ID NAME'")
        names[int(id)] = name.strip()
    names.pop(IGNORE, None)
    for known in SETS:
        if names == dict(enumerate(label_set(known).names)):
            return known
    raise NightsegError(
        f"{path}: these {len(names)} classes are none of the known label sets "
        f"({', '.join(sorted(SETS))}); name the label set with --labels"
    )


LAYOUT = PlainFolder()

UNLABELLED = TreeLayout(
    name="unlabelled",
    summary="any folder of images, with folders below it",
    trees=(Tree("."),),
)
