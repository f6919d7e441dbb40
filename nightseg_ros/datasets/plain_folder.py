# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plain folders: images/ and labels/ side by side, images/ alone, or just a folder of images.

A file classes.yaml next to them describes their label set (labels/label_file.py), a
class_names.txt, with a line "ID NAME" for each class, names a known one; without either the ids are
Cityscapes train ids. UNDD has the same folders with raw Cityscapes label ids, and therefore a
separate layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nightseg_ros.datasets.layout import Tree, TreeLayout
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_file import CLASSES_FILE, read_label_file
from nightseg_ros.labels.label_set import IGNORE, KNOWN

if TYPE_CHECKING:
    from nightseg_ros.datasets.sample import DrivingSet

NAMES_FILE = "class_names.txt"


def plain_trees(stored: str) -> tuple[Tree, ...]:
    """Return the trees of plain folders; labels are `stored` unless their names differ."""
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
    summary: str = "images/ and labels/ (perhaps with SPLIT below or above), classes.yaml"

    def splits(self, root: Path) -> list[str]:
        """Return the splits, one without a name where there are none."""
        return self._layout("cityscapes19").splits(root)

    def read(self, root: Path, split: str) -> DrivingSet:
        """Return one split; its label set is the one that a file in the folder states."""
        return self._layout(stored_label_set(root)).read(root, split)

    def _layout(self, stored: str) -> TreeLayout:
        return TreeLayout(self.name, self.summary, plain_trees(stored), needs_labels=True)


def stored_label_set(root: Path) -> str:
    """Return the name of the label set of the files below `root`."""
    for folder in (root, root.parent):
        if (folder / CLASSES_FILE).is_file():
            return read_label_file(folder / CLASSES_FILE).name
        if (folder / NAMES_FILE).is_file():
            return named_label_set(folder / NAMES_FILE)
    return "cityscapes19"


def named_label_set(path: Path) -> str:
    """Return the label set with the class names of a class_names.txt."""
    names = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        id, _, name = line.strip().partition(" ")
        if not id:
            continue
        if not id.isdigit() or not name:
            raise NightsegError(f"{path}:{number}: '{line}' is not 'ID NAME'")
        names[int(id)] = name.strip()
    names.pop(IGNORE, None)
    for known in KNOWN.values():
        if names == dict(enumerate(known.names)):
            return known.name
    raise NightsegError(
        f"{path}: these {len(names)} classes match none of the known label sets "
        f"({', '.join(sorted(KNOWN))}); name the label set with --labels, or describe it in "
        f"{CLASSES_FILE}"
    )


LAYOUT = PlainFolder()

UNLABELLED = TreeLayout(
    name="unlabelled", summary="any folder of images, with folders below it", trees=(Tree("."),)
)
