# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads a damaged recording, mcap or sqlite3, up to the damage.

A killed recorder writes no index, and ordinary readers refuse the whole file. This reader starts at
the beginning and reads record by record until one is invalid.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from nightseg_ros.bags.compression import LARGEST, unpack_chunk
from nightseg_ros.bags.message import DamageError, Message, Topic, checked
from nightseg_ros.bags.sqlite_file import salvage_sqlite

MAGIC = b"\x89MCAP0\r\n"
_SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _DATA_END = 0x03, 0x04, 0x05, 0x06, 0x0F


class SalvagedFile:
    """A damaged file, up to the damage; its topics are found by reading it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.damage = ""

    @property
    def topics(self) -> Mapping[str, Topic]:
        """The topics that can be read."""
        kinds, counts = {}, Counter[str]()
        try:
            for message in _salvage(self._path):
                kinds[message.topic] = message.kind
                counts[message.topic] += 1
        except DamageError as damage:
            self.damage = str(damage)
        return {name: Topic(kind, counts[name]) for name, kind in kinds.items()}

    def messages(self, topics: Collection[str]) -> Iterator[Message]:
        """Yield the messages of some topics in the order of the file, then raise DamageError."""
        return (message for message in _salvage(self._path) if message.topic in topics)

    def close(self) -> None:
        """Do nothing: the file is open only while it is read."""


def _salvage(path: Path) -> Iterator[Message]:
    yield from salvage_sqlite(path) if path.suffix == ".db3" else _salvage_mcap(path)
    raise DamageError("its index is missing or damaged; all messages could be read")


class _Mcap:
    """The schemas and channels of an mcap file read so far."""

    def __init__(self) -> None:
        self.kinds: dict[int, str] = {}
        self.channels: dict[int, tuple[str, str]] = {}

    def read(self, file: BinaryIO, size: int, where: str) -> Iterator[Message]:
        """Yield the messages of a file or of an unpacked chunk."""
        while file.tell() < size:
            at = file.tell()
            head = file.read(9)
            length = int.from_bytes(head[1:], "little")
            cut = len(head) < 9 or at + 9 + length > size
            if head[0] == _DATA_END and not cut:
                return
            if head[0] == _CHUNK and where:
                raise DamageError(f"there is another chunk{where} at byte {at}")
            if head[0] == _CHUNK and not cut and length <= LARGEST:
                yield from self._chunk(file.read(length), at)
            elif head[0] == _CHUNK and len(head) == 9:
                yield from self._chunk(file.read(min(size - at - 9, LARGEST)), at)
            if cut:
                raise DamageError(f"it is cut off{where} at byte {at} of {size}")
            if head[0] == 0:
                raise DamageError(f"there is no record{where} at byte {at}")
            if head[0] in (_SCHEMA, _CHANNEL, _MESSAGE) and length <= LARGEST:
                message = self._record(head[0], file.read(length), at)
                if message is not None:
                    yield message
            file.seek(at + 9 + length)

    def _record(self, code: int, data: bytes, at: int) -> Message | None:
        try:
            (key,) = struct.unpack_from("<H", data)
            if code == _SCHEMA:
                self.kinds[key] = _text(data, 2)[0]
            elif code == _CHANNEL:
                (schema,) = struct.unpack_from("<H", data, 2)
                self.channels[key] = (_text(data, 4)[0], self.kinds.get(schema, ""))
            else:
                (logged,) = struct.unpack_from("<Q", data, 6)
                return checked(*self.channels[key], logged, data[22:])
        except (struct.error, UnicodeDecodeError, KeyError) as error:
            raise DamageError(f"the record at byte {at} is invalid ({error!r})") from error
        return None

    def _chunk(self, data: bytes, at: int) -> Iterator[Message]:
        try:
            size, crc = struct.unpack_from("<QI", data, 16)
            compression, start = _text(data, 28)
            (packed,) = struct.unpack_from("<Q", data, start)
        except (struct.error, UnicodeDecodeError) as error:
            raise DamageError(f"the chunk at byte {at} is cut off in its header") from error
        inside = data[start + 8 : start + 8 + packed]
        complete = len(inside) == packed
        if compression and not complete:
            raise DamageError(f"the chunk ({compression}) at byte {at} is cut off")
        try:
            inside = unpack_chunk(compression, inside, size)
        except Exception as error:  # each library has its own errors
            raise DamageError(f"the chunk at byte {at} does not unpack ({error})") from error
        if complete and crc and zlib.crc32(inside) != crc:
            raise DamageError(f"the chunk at byte {at} has a wrong check sum")
        yield from self.read(BytesIO(inside), len(inside), f" in the chunk at byte {at},")


def _salvage_mcap(path: Path) -> Iterator[Message]:
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise DamageError("it does not start like an mcap file")
        yield from _Mcap().read(file, path.stat().st_size, "")


def _text(data: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", data, at)
    if at + 4 + length > len(data):
        raise struct.error("text beyond the end")
    return data[at + 4 : at + 4 + length].decode(), at + 4 + length
