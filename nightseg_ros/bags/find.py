# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the bags for names, patterns and folders, and names their result folders."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from nightseg_ros.bags.source import SUFFIXES
from nightseg_ros.bags.video import is_video
from nightseg_ros.errors import NightsegError

METADATA = "metadata.yaml"
PACKED = ".zstd"


def find_bags(named: Iterable[Path], out: Path | None = None) -> list[Path]:
    """Return the bags, each once; bags below `out` are results and are left out.

    A folder that is not itself a bag means all bags at any depth in it, a pattern all bags and
    videos that it matches. Any other named path is returned as it is: the reader checks it.
    """
    found: dict[Path, Path] = {}
    for path in named:
        if os.path.lexists(path):
            matches = [path]
        else:
            matches = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207
        if not matches:
            what = "nothing matches" if glob.has_magic(str(path)) else "there is no bag"
            raise NightsegError(f"{what} {path}; name rosbag2 folders, .mcap or .db3 files")
        several = len(matches) > 1
        for match in matches:
            inside = _inside(match, out.resolve() if out else None)
            if not inside and (not several or (match.is_file() and is_video(match))):
                inside = [match]
            for bag in inside:
                found.setdefault(bag.resolve(), bag)
    if not found:
        raise NightsegError(f"{', '.join(map(str, named))}: none of the matches is a bag")
    return list(found.values())


def is_bag(path: Path) -> bool:
    """Return whether a path is one recording, not a folder of several or anything else."""
    if path.is_file():
        return _is_bag_file(path)
    if not path.is_dir():
        return False
    if (path / METADATA).is_file():
        return True
    # A killed recorder leaves the parts NAME_0, NAME_1 ... without metadata.
    inside = sorted(path.iterdir())
    files = [child for child in inside if child.is_file() and _is_bag_file(child)]
    one = len({re.sub(r"_\d+$", "", bag_name(file)) for file in files}) == 1
    return one and not any(is_bag(child) for child in inside if child.is_dir())


def bag_name(bag: Path) -> str:
    """Return the name of a bag without its suffixes.

    >>> bag_name(Path("drives/night.3.mcap.zstd"))
    'night.3'
    """
    name = bag.name.removesuffix(PACKED)
    return next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), name)


def result_names(bags: Sequence[Path]) -> list[str]:
    """Return the name of each bag's result folder: as short as possible, but distinct.

    >>> result_names([Path("/a/x/one.mcap"), Path("/a/y/one.mcap"), Path("/a/y/two.db3")])
    ['x_one', 'y_one', 'two']
    """
    paths = [bag.resolve() for bag in bags]
    depth = [1] * len(paths)
    while True:
        names = [_tail(path, paths, parts) for path, parts in zip(paths, depth, strict=True)]
        twice = {name for name, count in Counter(names).items() if count > 1}
        if not twice:
            return names
        deeper = [
            parts + 1 if name in twice and parts < len(path.parts) else parts
            for path, name, parts in zip(paths, names, depth, strict=True)
        ]
        if deeper == depth:  # a_b/c and a/b_c
            return [f"{name}_{i}" for i, name in enumerate(names)]
        depth = deeper


def _tail(path: Path, others: Sequence[Path], parts: int) -> str:
    """Return the last parts of a path as one name; a.db3 next to a.mcap keeps its suffix."""
    name = bag_name(path)
    siblings = [p for p in others if p.parent == path.parent and bag_name(p) == name]
    return "_".join([*path.parts[1:-1], path.name if len(siblings) > 1 else name][-parts:])


def _inside(path: Path, out: Path | None) -> list[Path]:
    """Return the bags in a folder, at any depth; for a bag, itself."""
    if path.resolve() == out or path.name.startswith("."):
        return []
    if is_bag(path):
        return [path]
    if not path.is_dir():
        return []
    return [bag for child in sorted(path.iterdir()) for bag in _inside(child, out)]


def _is_bag_file(path: Path) -> bool:
    return path.name.removesuffix(PACKED).endswith(SUFFIXES)
