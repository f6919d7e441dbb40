# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Opens a rosbag2 recording, or an excerpt of one, and reads its messages up to its damage."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import final

from nightseg_ros.bags.compression import unpack_message, unpacked
from nightseg_ros.bags.mcap_file import McapFile
from nightseg_ros.bags.message import Message, Topic
from nightseg_ros.bags.salvage import SalvagedFile
from nightseg_ros.bags.sqlite_file import SqliteFile
from nightseg_ros.errors import NightsegError

SUFFIXES = (".mcap", ".db3")
Part = SqliteFile | McapFile | SalvagedFile


class Bag:
    """A folder with metadata.yaml, or one .mcap or .db3 file (.zstd too); complete or cut off.

    No file stays open between calls, so another thread may read the messages.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage = ""
        """Why the messages ended early; known after the last one has been read."""
        if not path.exists():
            raise NightsegError(f"there is no bag {path}")
        try:
            import rosbags.rosbag2  # noqa: F401
        except ImportError as error:
            raise NightsegError(
                f"a bag needs the package rosbags ({error}); pip install '.[replay]'"
            ) from error
        kinds: dict[str, str] = {}
        counts: Counter[str] = Counter()
        for part in self._parts():
            for topic, found in part.topics.items():
                kinds[topic] = found.kind
                counts[topic] += found.count
        if not kinds:
            raise NightsegError(
                f"{path} contains nothing readable ({self.damage or 'it is empty'}); "
                "name a rosbag2 folder, or its .mcap or .db3 file (.zstd too)"
            )
        self.topics = {topic: Topic(kind, counts[topic]) for topic, kind in kinds.items()}

    def messages(self, topics: Collection[str]) -> Iterator[Message]:
        """Yield the messages of some topics in the order of their recording."""
        for part in self._parts():
            try:
                yield from map(unpack_message, part.messages(topics))
            except Exception as error:  # damage causes errors of many kinds
                part.damage = str(error) or type(error).__name__

    def _parts(self) -> Iterator[Part]:
        """Open the files of a bag one by one, up to the first damage.

        Its metadata.yaml is not read: the files contain the same information, and reliably.
        """
        self.damage = ""
        for file in _files(self.path):
            with unpacked(file) as plain:
                if plain is None:
                    self.damage = f"{file}: it cannot be unpacked"
                    return
                with closing(_open(plain)) as part:
                    yield part
            if part.damage:
                self.damage = f"{file}: {part.damage}"
                return


def _open(file: Path) -> Part:
    try:
        return SqliteFile(file) if file.suffix == ".db3" else McapFile(file)
    except Exception:  # damage causes errors of many kinds
        return SalvagedFile(file)


def _files(path: Path) -> list[Path]:
    """Return the files of a bag in order: part _10 after part _9."""
    files = [path] if path.is_file() else [p for p in path.iterdir() if p.is_file()]

    def order(file: Path) -> list[tuple[int, str]]:
        return [(int(p), "") if p.isdigit() else (0, p) for p in re.split(r"(\d+)", file.name)]

    return sorted((f for f in files if f.name.removesuffix(".zstd").endswith(SUFFIXES)), key=order)


@final
class Excerpt(Bag):
    """Some cameras of a bag for some seconds; every n-th frame of each."""

    def __init__(self, whole: Bag, cameras: Sequence[str], seconds: float = 0.0) -> None:
        """Read the excerpt once to count its frames; 0 seconds are all."""
        self.path = whole.path
        self._whole, self._cameras, self._seconds, self._every = whole, cameras, seconds, 1
        counts: Counter[str] = Counter()
        first_ns = last_ns = 0
        for message in self.messages(cameras):
            first_ns = first_ns or message.bag_ns
            last_ns = message.bag_ns
            counts[message.topic] += 1
        self.span_s = (last_ns - first_ns) / 1e9
        self.topics = {name: Topic(whole.topics[name].kind, counts[name]) for name in cameras}

    @property
    def frames(self) -> int:
        """The frames of all cameras."""
        return sum(topic.count for topic in self.topics.values())

    def thinned(self, frames: int) -> Excerpt:
        """Return the same excerpt with at most this many frames, evenly spaced."""
        thin = copy.copy(self)
        thin._every = max(1, -(-self.frames // frames))
        thin.topics = {
            name: Topic(topic.kind, -(-topic.count // thin._every))
            for name, topic in self.topics.items()
        }
        return thin

    def messages(self, topics: Collection[str]) -> Iterator[Message]:
        """Yield the frames of the excerpt in the order of their recording."""
        self.damage = ""
        seen: Counter[str] = Counter()
        first_ns: int | None = None
        chosen = [name for name in self._cameras if name in topics]
        with closing(self._whole.messages(chosen)) as messages:  # type: ignore[type-var]
            for message in messages:
                first_ns = message.bag_ns if first_ns is None else first_ns
                if self._seconds and message.bag_ns - first_ns >= self._seconds * 1e9:
                    return
                if seen[message.topic] % self._every == 0:
                    yield message
                seen[message.topic] += 1
        self.damage = self._whole.damage
