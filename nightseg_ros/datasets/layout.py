# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Describes the folders of data sets as data, so that one reader serves every public set."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nightseg_ros.datasets.image_files import IMAGE_ENDINGS
from nightseg_ros.datasets.sample import DrivingSet, Sample
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import IGNORE


@dataclass(frozen=True)
class Pairing:
    """Images with the label of the same key, and files without a partner."""

    pairs: tuple[tuple[str, Path, Path], ...]
    problems: tuple[str, ...]


def index_files(folder: Path, endings: tuple[str, ...]) -> dict[str, Path]:
    """Return key -> file for every file below `folder` with one of `endings`.

    The key is the path below `folder` without the ending: `zurich/zurich_000000_000019`.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.name.startswith(".") or not path.is_file():
            continue
        ending = next((e for e in endings if path.name.lower().endswith(e.lower())), None)
        if ending is None:
            continue
        key = path.relative_to(folder).as_posix()[: -len(ending)]
        if key in found:
            raise NightsegError(f"{path} and {found[key]} have the same name; remove one of them")
        found[key] = path
    return found


def pair(images: dict[str, Path], labels: dict[str, Path]) -> Pairing:
    """Join images and labels by key.

    >>> pair({"a": Path("a.jpg")}, {"b": Path("b.png")}).problems
    ('a.jpg: has no label', 'b.png: has no image')
    """
    return Pairing(
        tuple((key, images[key], labels[key]) for key in sorted(images) if key in labels),
        tuple(f"{images[key]}: has no label" for key in sorted(images.keys() - labels.keys()))
        + tuple(f"{labels[key]}: has no image" for key in sorted(labels.keys() - images.keys())),
    )


class Layout(Protocol):
    """The layout of a data set; the catalog contains one of each."""

    @property
    def name(self) -> str:
        """Its name in a spec."""

    @property
    def summary(self) -> str:
        """Its folders, in one line."""

    def splits(self, root: Path) -> list[str]:
        """Return the splits in `root`, none if it has another layout."""

    def read(self, root: Path, split: str) -> DrivingSet:
        """Return one split."""


@dataclass(frozen=True)
class Tree:
    """Two folders with the same structure; {split} in them means one or more folder names."""

    images: str
    labels: str = ""
    image_endings: tuple[str, ...] = IMAGE_ENDINGS
    label_endings: tuple[tuple[str, str], ...] = ((".png", "cityscapes19"),)
    """(ending, label set) of the kinds of label files; the first existing kind is read."""
    invalid_endings: tuple[str, ...] = ()
    depth: int = 1
    """Folder levels in {split}: 2 for night/train."""
    only: tuple[str, ...] = ()
    """The allowed names of splits; any if empty."""

    def splits(self, root: Path) -> list[str]:
        """Return the splits whose image folder exists."""
        if "{split}" not in self.images:
            return [""] if (root / self.images).is_dir() else []
        before, after = self.images.split("{split}")
        stars = "/".join("*" * self.depth)
        found = []
        for folder in sorted(root.glob(before + stars + after)):
            path = folder.relative_to(root).as_posix()
            split = path[len(before) : len(path) - len(after)]
            if folder.is_dir() and (not self.only or split in self.only):
                found.append(split)
        return found

    def labels_folder(self, root: Path, split: str) -> Path | None:
        """Return the folder of the labels of a split, None if there is none."""
        folder = root / self.labels.format(split=split)
        return folder if self.labels and folder.is_dir() else None


@dataclass(frozen=True)
class TreeLayout:
    """A layout given by trees, of which the first match is used (releases differ)."""

    name: str
    summary: str
    trees: tuple[Tree, ...]
    time_of_day: Callable[[str, str], str] = lambda _split, _key: ""
    clip: Callable[[str], str] = lambda _: ""
    void: frozenset[int] = frozenset({IGNORE})
    needs_labels: bool = False
    """True if the images alone do not identify the layout."""

    def splits(self, root: Path) -> list[str]:
        """Return the splits of the matching tree."""
        tree = self._tree(root)
        return tree.splits(root) if tree else []

    def read(self, root: Path, split: str) -> DrivingSet:
        """Return one split; images are paired with labels where it has labels."""
        tree = self._tree(root)
        if tree is None or split not in tree.splits(root):
            raise NightsegError(f"{root}: no split '{split}' of layout {self.name}")
        folder = root / tree.images.format(split=split)
        images = index_files(folder, tree.image_endings)
        if not images:
            raise NightsegError(f"{folder}: no image ends in {' or '.join(tree.image_endings)}")
        labels_folder = tree.labels_folder(root, split)
        if labels_folder is None:
            rows: Iterable[tuple[str, Path, Path | None]] = (
                (key, images[key], None) for key in sorted(images)
            )
            label_set: str | None = None
            problems: tuple[str, ...] = ()
        else:
            labels, label_set = _index_labels(labels_folder, tree.label_endings)
            pairing = pair(images, labels)
            rows, problems = pairing.pairs, pairing.problems
        invalid = {}
        if tree.invalid_endings and labels_folder is not None:
            invalid = index_files(labels_folder, tree.invalid_endings)
        samples = tuple(
            Sample(
                image, label, key, self.time_of_day(split, key), invalid.get(key), self.clip(key),
                split,
            )
            for key, image, label in rows
        )  # fmt: skip
        return DrivingSet(
            set_name(self.name, root, split), self.name, samples, label_set, self.void, problems
        )

    def _tree(self, root: Path) -> Tree | None:
        there = [tree for tree in self.trees if tree.splits(root)]
        for tree in there:
            if any(tree.labels_folder(root, split) for split in tree.splits(root)):
                return tree
        return there[0] if there and not self.needs_labels else None


def set_name(layout: str, root: Path, split: str) -> str:
    """Return the text that opens a split."""
    return f"{layout}:{root}:{split}" if split else f"{layout}:{root}"


def _index_labels(
    folder: Path, endings: tuple[tuple[str, str], ...]
) -> tuple[dict[str, Path], str]:
    for ending, label_set in endings:
        labels = index_files(folder, (ending,))
        if labels:
            return labels, label_set
    raise NightsegError(f"{folder}: no label ends in {' or '.join(e for e, _ in endings)}")
