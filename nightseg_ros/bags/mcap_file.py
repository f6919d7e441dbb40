# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads an mcap recording by its index: rosbags, hardened against untrusted files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from nightseg_ros.bags.compression import unpack_chunk
from nightseg_ros.bags.message import Message, Topic, check_topic, checked


class McapFile:
    """A complete file: its index lists the topics, and messages are read in order of time."""

    def __init__(self, path: Path) -> None:
        self.damage = ""
        self._reader = _reader(path)
        self._reader.open()
        kinds, counts = {}, Counter[str]()
        try:
            for connection in self._reader.connections:
                check_topic(connection.topic, connection.msgtype)
                kinds[connection.topic] = connection.msgtype
                counts[connection.topic] += connection.msgcount
        except BaseException:
            self.close()
            raise
        self.topics = {name: Topic(kind, counts[name]) for name, kind in kinds.items()}

    def messages(self, topics: Collection[str]) -> Iterator[Message]:
        """Yield the messages of some topics."""
        chosen = [c for c in self._reader.connections if c.topic in topics]
        if not chosen:  # an empty list would mean all
            return
        for connection, stamp, data in self._reader.messages(connections=chosen):
            yield checked(connection.topic, connection.msgtype, stamp, data)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


def _reader(path: Path) -> Any:
    from rosbags.rosbag2 import Reader, storage_mcap

    storage: Any = storage_mcap
    # A few kilobytes may unpack to terabytes, and the quality of service of each topic is YAML
    # that may take minutes to parse and is not needed here.
    storage.DECOMPRESSORS.update({n: partial(unpack_chunk, n) for n in ("lz4", "zstd")})
    storage.parse_qos = lambda _: []
    return Reader(path)
