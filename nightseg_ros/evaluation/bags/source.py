# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A rosbag2 recording as an iteration over its messages, up to its end or to its damage."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bags.salvage import DamageError, Message, salvage
from nightseg_ros.evaluation.bags.zstd import unpack_message, unpacked

SUFFIXES = (".mcap", ".db3")


@dataclass(frozen=True)
class Topic:
    """What a bag has of one topic."""

    kind: str
    count: int


class Bag:
    """A folder with metadata.yaml, or one .mcap or .db3 file (.zstd too); whole or cut off.

    Nothing stays open between calls, so the messages may be read in another thread.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage = ""
        """Why the messages ended before their time; known when the last one has been read."""
        self._open_error = ""
        if not path.exists():
            raise NightsegError(f"there is no bag {path}")
        kinds: dict[str, str] = {}
        counts: Counter[str] = Counter()
        reader = self._reader(path)
        if reader is not None:
            for connection in reader.connections:
                kinds[connection.topic] = connection.msgtype
                counts[connection.topic] += connection.msgcount
            reader.close()
        else:
            for message in self._parts(None):
                kinds[message.topic] = message.kind
                counts[message.topic] += 1
        if not kinds:
            raise NightsegError(
                f"{path} holds nothing that can be read ({self._open_error or 'it is empty'}); "
                "name a rosbag2 folder, or its .mcap or .db3 file (.zstd too)"
            )
        self.topics = {topic: Topic(kind, counts[topic]) for topic, kind in kinds.items()}

    def messages(self, topics: Collection[str]) -> Iterator[Message]:
        """Yield the messages of some topics in the order of their recording."""
        self.damage = ""
        reader = self._reader(self.path)
        if reader is None:
            yield from self._parts(topics)
        else:
            yield from self._read(reader, topics)

    def _reader(self, path: Path) -> Any:
        """Return an open reader, or None where only the pieces can be read."""
        try:
            from rosbags.rosbag2 import Reader
        except ImportError as error:
            raise NightsegError(
                f"a bag needs the package rosbags ({error}); pip install '.[replay]'"
            ) from error
        try:
            reader = Reader(path)
            reader.open()
            return reader
        except Exception as error:  # damage shows as errors of many kinds
            self._open_error = str(error)
            return None

    def _read(self, reader: Any, topics: Collection[str] | None) -> Iterator[Message]:
        try:
            chosen = [c for c in reader.connections if topics is None or c.topic in topics]
            if not chosen:  # no connections would mean all of them
                return
            for connection, stamp, data in reader.messages(connections=chosen):
                yield Message(connection.topic, connection.msgtype, stamp, bytes(data))
        except Exception as error:  # as above
            self.damage = f"{reader.path}: {str(error) or type(error).__name__}"
        finally:
            reader.close()

    def _parts(self, topics: Collection[str] | None) -> Iterator[Message]:
        """Read the files of a bag one by one and stop at the first damage."""
        self.damage = ""
        for file in _files(self.path):
            with unpacked(file) as plain:
                reader = None if plain is None else self._reader(plain)
                if plain is None:
                    self.damage = f"{file}: it cannot be unpacked"
                elif reader is not None:
                    yield from map(unpack_message, self._read(reader, topics))
                else:
                    try:
                        for message in salvage(plain):
                            if topics is None or message.topic in topics:
                                yield unpack_message(message)
                    except DamageError as damage:
                        self.damage = f"{file}: {damage}"
            if self.damage:
                return


def _files(path: Path) -> list[Path]:
    """Return the files of a bag in their order: a part _10 comes after _9."""
    files = [path] if path.is_file() else [p for p in path.iterdir() if p.is_file()]

    def order(file: Path) -> list[tuple[int, str]]:
        return [(int(p), "") if p.isdigit() else (0, p) for p in re.split(r"(\d+)", file.name)]

    return sorted((f for f in files if f.name.removesuffix(".zstd").endswith(SUFFIXES)), key=order)
