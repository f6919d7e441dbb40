# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Opens a data set by a short text: LAYOUT:FOLDER[:SPLIT][@TIME], or just FOLDER.

bdd10k:/data/bdd100k:val            one split
nightseg:/data:bdd_labelled/val@night,dusk   of it, the frames of these times of day
acdc:/data/acdc:night               every split below night/
/data/images                        the layout is detected
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nightseg_ros.datasets import (
    acdc,
    bdd10k,
    bdd_drivable,
    bdd_night,
    camvid,
    cityscapes,
    codan,
    dark_zurich,
    nexet,
    nightcity,
    nightseg_package,
    nighttime_driving,
    plain_folder,
    undd,
    vistas,
)
from nightseg_ros.datasets.time_of_day import with_measured_times
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_file import find_label_set

if TYPE_CHECKING:
    from nightseg_ros.datasets.layout import Layout
    from nightseg_ros.datasets.sample import DrivingSet

TIMES = ("day", "dusk", "dark", "night")

_DETECTED: tuple[Layout, ...] = (
    nightseg_package.LAYOUT,
    nighttime_driving.LAYOUT,
    cityscapes.LAYOUT,
    dark_zurich.LAYOUT,
    acdc.LAYOUT,
    bdd10k.LAYOUT,
    bdd_drivable.LAYOUT,
    vistas.LAYOUT,
    nightcity.LAYOUT,
    camvid.LAYOUT,
    plain_folder.LAYOUT,
    plain_folder.UNLABELLED,
)
"""In this order: the first whose folders exist is used."""

_ONLY_BY_NAME: tuple[Layout, ...] = (
    vistas.LAYOUT_V2,
    undd.LAYOUT,
    bdd_night.LAYOUT,
    nexet.LAYOUT,
    codan.LAYOUT,
)

LAYOUTS: dict[str, Layout] = {layout.name: layout for layout in (*_DETECTED, *_ONLY_BY_NAME)}


class Spec(NamedTuple):
    """The parts of a data-set text; layout "" means to detect it."""

    layout: str
    root: Path
    split: str
    times: frozenset[str]


def parse_spec(text: str) -> Spec:
    """Parse a data-set text.

    >>> parse_spec("bdd10k:/data/bdd:val@night")[2:]
    ('val', frozenset({'night'}))
    """
    name, colon, rest = text.partition(":")
    if not colon:
        name, rest = "", text
    elif name not in LAYOUTS:
        if "/" not in name and "." not in name:
            raise NightsegError(
                f"layout '{name}' is unknown; there are {', '.join(sorted(LAYOUTS))}"
            )
        name, rest = "", text
    folder, split, times = rest, "", frozenset[str]()
    if not Path(rest).is_dir():  # a folder name may contain a colon or an @
        before, _, last = rest.rpartition(":")
        if before:
            folder, split = before, last
            split, _, asked = split.partition("@")
        else:
            folder, _, asked = rest.partition("@")
        times = frozenset(asked.split(",")) - {""}
    unknown = sorted(times - set(TIMES))
    if unknown:
        raise NightsegError(f"'{text}': time of day '{unknown[0]}' is none of {', '.join(TIMES)}")
    return Spec(name, Path(folder).expanduser(), split.strip("/"), times)


def open_sets(
    text: str, stored: str | None = None, refused: Callable[[NightsegError], None] | None = None
) -> tuple[DrivingSet, ...]:
    """Open every split that `text` names, each as a separate set.

    `stored` names the label set of the files, where the layout cannot know it. `refused` gets the
    errors of unreadable splits, and the others are opened; without it the first error is raised.
    """
    spec = parse_spec(text)
    if not spec.root.is_dir():
        raise NightsegError(f"data set '{text}': there is no folder {spec.root}")
    layout = LAYOUTS[spec.layout] if spec.layout else _detect(spec.root)
    there = layout.splits(spec.root)
    if not there:
        raise NightsegError(
            f"{spec.root} is not laid out as {layout.name}: expected {layout.summary}"
        )
    if isinstance(layout, nightseg_package.Package):
        asked = layout.folders(spec.root, spec.split)
    else:
        asked = [split for split in there if _names(spec.split, split)]
    if not asked:
        raise NightsegError(f"{spec.root} has no split '{spec.split}'; it has {', '.join(there)}")
    sets = []
    for split in asked:
        try:
            part = layout.read(spec.root, split)
        except NightsegError as error:
            if refused is None:
                raise
            refused(error)
            continue
        if stored is not None and part.label_set is not None:
            part = replace(part, label_set=find_label_set(stored).name)
        if spec.times:
            part = with_measured_times(part)
            if not any(sample.time_of_day in spec.times for sample in part.samples):
                continue
            part = part.only(spec.times)
            part = replace(part, name=f"{part.name}@{','.join(sorted(spec.times))}")
        sets.append(part)
    if spec.times and not sets:
        raise NightsegError(f"'{text}' contains no {' or '.join(sorted(spec.times))} frames")
    return tuple(sets)


def open_set(text: str, stored: str | None = None) -> DrivingSet:
    """Open what `text` names as one set; its splits must share one label set."""
    sets = open_sets(text, stored)
    if len(sets) == 1:
        return sets[0]
    kinds = {part.label_set for part in sets}
    if len(kinds) > 1:
        listed = ", ".join(f"{_split(part)} ({part.label_set or 'unlabelled'})" for part in sets)
        raise NightsegError(f"'{text}' mixes label sets; name one of {listed}")
    return replace(
        sets[0],
        name=text,
        samples=tuple(sample for part in sets for sample in part.samples),
        problems=tuple(problem for part in sets for problem in part.problems),
    )


def _detect(root: Path) -> Layout:
    return next(layout for layout in _DETECTED if layout.splits(root))


def _names(asked: str, split: str) -> bool:
    """Return whether `asked` is the split or some of its folders: "night", "val" in "night/val"."""
    return not asked or f"/{asked}/" in f"/{split}/"


def _split(part: DrivingSet) -> str:
    return part.samples[0].split if part.samples else part.name
