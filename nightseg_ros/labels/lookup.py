# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How ids of one label set become those of another: the maps of maps.py and of label files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import CITYSCAPES19, IGNORE, KNOWN, LabelSet, label_set
from nightseg_ros.labels.maps import MAPS

if TYPE_CHECKING:
    from numpy.typing import NDArray


def lookup(source: LabelSet | str, target: LabelSet | str) -> NDArray[np.uint8]:
    """Return the (256,) table that turns ids of `source` into ids of `target`, 255 elsewhere.

    A table, not a loop of replacements, so that no id is mapped twice. Sets without a common map
    are connected by the shortest chain of maps.

    >>> int(lookup("cityscapes_ids", "cityscapes19")[7])
    0
    >>> int(lookup("vistas_v1.2", "joint11")[55])
    9
    """
    before, after = label_set(source), label_set(target)
    table = np.full(256, IGNORE, np.uint8)
    table[: before.count] = np.arange(before.count)
    for step in _chain(before, after):
        becomes = np.full(256, IGNORE, np.uint8)
        for source_id, target_id in step.items():
            becomes[source_id] = target_id
        table = becomes[table]
    return table


def has_map(source: LabelSet | str, target: LabelSet | str) -> bool:
    """Return whether ids of `source` can become ids of `target`."""
    try:
        lookup(source, target)
    except NightsegError:
        return False
    return True


def scored_in(labels: LabelSet) -> LabelSet:
    """Return the label set in which masks of `labels` are scored where nothing else is asked for.

    It is their own, but joint11 for the classes of Cityscapes, some of which are too rare at night.
    """
    return label_set("joint11") if labels.name == CITYSCAPES19.name else labels


def first_common(candidates: Iterable[LabelSet | str], *sets: LabelSet | str) -> LabelSet:
    """Return the first of `candidates` that all `sets` have a map to.

    >>> first_common(["camvid11", "joint11"], "camvid11", "cityscapes19").name
    'joint11'
    """
    for one in candidates:
        if all(has_map(each, one) for each in sets):
            return label_set(one)
    names = " and ".join(f"'{label_set(each).name}'" for each in sets)
    raise NightsegError(
        f"no label set has both the classes of {names}; describe one with maps from them in a file"
    )


def _chain(source: LabelSet, target: LabelSet) -> list[Mapping[int, int]]:
    """Return the shortest chain of maps from `source` to `target`."""
    if source.name == target.name and source.names != target.names:
        raise NightsegError(
            f"two label sets with different classes are named '{source.name}'; rename one"
        )
    maps = _maps([*KNOWN.values(), source, target])
    chains: dict[str, list[Mapping[int, int]]] = {source.name: []}
    queue = [source.name]
    while queue and target.name not in chains:
        here = queue.pop(0)
        for (start, end), step in maps.items():
            if start == here and end not in chains:
                chains[end] = [*chains[here], step]
                queue.append(end)
    if target.name not in chains:
        known = ", ".join(f"{a} -> {b}" for a, b in sorted(maps))
        raise NightsegError(
            f"no map from label set '{source.name}' to '{target.name}'; there are {known}"
        )
    return chains[target.name]


def _maps(sets: Sequence[LabelSet]) -> dict[tuple[str, str], Mapping[int, int]]:
    """Return the maps of maps.py and those that the label sets bring with them."""
    found: dict[tuple[str, str], Mapping[int, int]] = dict(MAPS)
    known = {one.name: one for one in sets}
    for own in sets:
        for other, names in own.sources.items():
            if other in known:
                found[other, own.name] = _by_id(known[other], own, names)
        for other, names in own.targets.items():
            if other in known:
                found[own.name, other] = _by_id(own, known[other], names)
    return found


def _by_id(source: LabelSet, target: LabelSet, names: Mapping[str, str]) -> dict[int, int]:
    """Return a map of class names as one of ids."""
    return {source.names.index(a): target.names.index(b) for a, b in names.items()}
