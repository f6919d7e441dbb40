# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finding which label belongs to which image: both lose their ending and must then agree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nightseg_ros.errors import NightsegError


@dataclass(frozen=True)
class Pairing:
    """Images with the label of the same key, and what was left over."""

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
            raise NightsegError(
                f"{path} and {found[key]} have the same name; only one of them can be meant"
            )
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
