# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Label sets: names and colours of class ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.maps import SETS, numbered

if TYPE_CHECKING:
    from numpy.typing import NDArray

IGNORE = 255
"""The id of an unlabelled pixel, in files and messages (the largest uint8)."""

Maps = Mapping[str, Mapping[str, str]]
"""For other label sets by name, which class becomes which."""


@dataclass(frozen=True)
class Label:
    """One class: its id in a mask, its name and its RGB colour."""

    id: int
    name: str
    color: tuple[int, int, int]


@dataclass(frozen=True)
class LabelSet:
    """The classes of a mask, ids 0..n-1 in order, with 255 for unlabelled pixels.

    Sets with the same name and classes are equal, whatever maps they have.

    >>> label_set("joint11").names[:2]
    ('road', 'sidewalk')
    """

    name: str
    labels: tuple[Label, ...]
    void: frozenset[int] = field(default=frozenset(), compare=False)
    """Stored ids that mean unlabelled, besides 255."""
    sources: Maps = field(default_factory=dict, compare=False)
    """How labels of other sets are read as this one."""
    targets: Maps = field(default_factory=dict, compare=False)
    """How labels of this set are read as other ones."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.labels) <= IGNORE:
            raise NightsegError(
                f"label set {self.name}: {len(self.labels)} classes, need 1 to {IGNORE}"
            )
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
        for other, names in self.sources.items():
            self._check_map(names.values(), other, names)
        for other, names in self.targets.items():
            self._check_map(names, other, names.values())

    def _check_map(self, own: Iterable[str], other: str, others: Iterable[str]) -> None:
        """Refuse classes that do not exist; those of a set that is not known here may."""
        found = KNOWN.get(other)
        for labels, used in ((self, own), *([(found, others)] if found else [])):
            unknown = sorted(set(used) - set(labels.names))
            if unknown:
                raise NightsegError(
                    f"label set {labels.name} has no class '{unknown[0]}'; it has "
                    f"{', '.join(labels.names)}"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """The class names in the order of their ids."""
        return tuple(label.name for label in self.labels)

    @property
    def count(self) -> int:
        """The number of classes, without unlabelled."""
        return len(self.labels)

    def ids(self, names: Iterable[str]) -> tuple[int, ...]:
        """Return the ids of those of `names` that this set has.

        >>> CITYSCAPES19.ids(("sky", "cow", "road"))
        (10, 0)
        """
        return tuple(self.names.index(name) for name in names if name in self.names)

    def palette(self) -> NDArray[np.uint8]:
        """Return a (256, 3) RGB table; ids without a class, 255 included, are black."""
        table = np.zeros((256, 3), np.uint8)
        table[: self.count] = [label.color for label in self.labels]
        return table

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for model.yaml and the `~/labels` topic."""
        classes = [{"id": x.id, "name": x.name, "color": list(x.color)} for x in self.labels]
        maps = {"from": self.sources, "to": self.targets}
        copied = {key: {a: dict(b) for a, b in by.items()} for key, by in maps.items() if by}
        return {"name": self.name, "classes": classes, **copied}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LabelSet:
        """Return the label set of `to_dict` data, or of a label file; refuse what is invalid."""
        try:
            rows = data["classes"]
            if isinstance(rows, Mapping) or all(isinstance(row, str) for row in rows):
                named = rows.items() if isinstance(rows, Mapping) else numbered(rows)
                rows = [{"id": id, "name": x[0], "color": x[1]} for id, x in enumerate(named)]
            labels = tuple(
                Label(int(row["id"]), str(row["name"]), tuple(int(c) for c in row["color"]))  # type: ignore[arg-type]
                for row in rows
            )
            void = frozenset(int(id) for id in data.get("void") or ())
            sources, targets = (
                {
                    str(other): {str(a): str(b) for a, b in names.items()}
                    for other, names in (data.get(key) or {}).items()
                }
                for key in ("from", "to")
            )
            name = str(data["name"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NightsegError(
                f"label set {str(data)[:200]} is not readable ({error!r}); "
                "write name, and classes as a list of names or as NAME: [red, green, blue]"
            ) from error
        return cls(name, labels, void, sources, targets)


KNOWN: dict[str, LabelSet] = {}
"""Every label set by name: those of maps.py, and those that files described."""
KNOWN |= {
    name: LabelSet(name, tuple(Label(id, *row) for id, row in enumerate(rows)))
    for name, rows in SETS.items()
}


def label_set(name: LabelSet | str) -> LabelSet:
    """Return the label set with this name; one that is described already is itself."""
    if isinstance(name, LabelSet):
        return name
    if name not in KNOWN:
        raise NightsegError(f"label set '{name}' is unknown; there are {', '.join(sorted(KNOWN))}")
    return KNOWN[name]


CITYSCAPES19 = label_set("cityscapes19")
