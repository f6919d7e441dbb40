# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Label sets: what a class id means, its colour, and how ids of one set become ids of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.label_maps import MAPS, SETS

IGNORE = 255
"""The id of an unlabelled pixel, in files and on the wire (the largest id of a uint8 mask)."""


@dataclass(frozen=True)
class Label:
    """One class: its id in a mask, its name and its RGB colour."""

    id: int
    name: str
    color: tuple[int, int, int]


@dataclass(frozen=True)
class LabelSet:
    """The classes of a mask, ids 0..n-1 in order, with 255 for unlabelled pixels.

    >>> label_set("joint11").names[:2]
    ('road', 'sidewalk')
    """

    name: str
    labels: tuple[Label, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.labels) < IGNORE:
            raise NightsegError(f"label set {self.name}: {len(self.labels)} classes, need 1 to 254")
        if [label.id for label in self.labels] != list(range(len(self.labels))):
            raise NightsegError(f"label set {self.name}: ids must be 0, 1, 2, ... in order")
        for what, values in (
            ("names", [label.name for label in self.labels]),
            ("colours", [str(label.color) for label in self.labels]),
        ):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise NightsegError(f"label set {self.name}: {what} used twice: {', '.join(twice)}")
        for label in self.labels:
            if len(label.color) != 3 or not all(0 <= channel <= 255 for channel in label.color):
                raise NightsegError(f"label set {self.name}: {label.name} has colour {label.color}")

    @property
    def names(self) -> tuple[str, ...]:
        """The class names in the order of their ids."""
        return tuple(label.name for label in self.labels)

    @property
    def count(self) -> int:
        """The number of classes, unlabelled not counted."""
        return len(self.labels)

    def palette(self) -> NDArray[np.uint8]:
        """Return a (256, 3) RGB table; ids without a class, 255 included, are black."""
        table = np.zeros((256, 3), np.uint8)
        table[: self.count] = [label.color for label in self.labels]
        return table

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for model.yaml and the `~/labels` topic."""
        classes = [{"id": x.id, "name": x.name, "color": list(x.color)} for x in self.labels]
        return {"name": self.name, "classes": classes}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LabelSet:
        """Rebuild a label set from `to_dict` data, refusing what is not one."""
        try:
            labels = tuple(
                Label(int(row["id"]), str(row["name"]), tuple(int(c) for c in row["color"]))  # type: ignore[arg-type]
                for row in data["classes"]
            )
            return cls(str(data["name"]), labels)
        except (KeyError, TypeError, ValueError) as error:
            raise NightsegError(
                f"label set {data!r} is not readable ({error!r}); "
                "it needs a name and classes with id, name and color"
            ) from error


def label_set(name: str) -> LabelSet:
    """Return the label set called `name`."""
    if name not in SETS:
        raise NightsegError(f"label set '{name}' is unknown; there are {', '.join(sorted(SETS))}")
    rows = SETS[name]
    return LabelSet(name, tuple(Label(i, row[0], row[1]) for i, row in enumerate(rows)))


def lookup(source: str, target: str) -> NDArray[np.uint8]:
    """Return the (256,) table that turns ids of `source` into ids of `target`, 255 elsewhere.

    A table, not a loop of replacements, so that no id can be mapped twice. Sets that share no
    map are joined over the shortest chain of maps.

    >>> int(lookup("cityscapes_ids", "cityscapes19")[7])
    0
    >>> int(lookup("vistas_v1.2", "joint11")[55])
    9
    """
    count = label_set(source).count
    table = np.full(256, IGNORE, np.uint8)
    table[:count] = np.arange(count)
    for step in _chain(source, target):
        becomes = np.full(256, IGNORE, np.uint8)
        for source_id, target_id in MAPS[step].items():
            becomes[source_id] = target_id
        table = becomes[table]
    return table


def _chain(source: str, target: str) -> list[tuple[str, str]]:
    """Return the maps that lead from `source` to `target`, the fewest possible."""
    label_set(target)  # an unknown name is a different mistake than a missing map
    chains: dict[str, list[tuple[str, str]]] = {source: []}
    queue = [source]
    while queue and target not in chains:
        here = queue.pop(0)
        for step in MAPS:
            if step[0] == here and step[1] not in chains:
                chains[step[1]] = [*chains[here], step]
                queue.append(step[1])
    if target not in chains:
        known = ", ".join(f"{a} -> {b}" for a, b in sorted(MAPS))
        raise NightsegError(f"no map from label set '{source}' to '{target}'; there are {known}")
    return chains[target]


CITYSCAPES19 = label_set("cityscapes19")
CITYSCAPES_IDS = label_set("cityscapes_ids")
CAMVID11 = label_set("camvid11")
JOINT11 = label_set("joint11")
VISTAS = label_set("vistas_v1.2")
