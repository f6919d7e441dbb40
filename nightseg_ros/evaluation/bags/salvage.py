# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads what lies before the damage in a recording that was cut off, mcap or sqlite3.

A recorder that was killed leaves no index behind, and ordinary readers refuse the whole file. Here
the file is read from its start, record by record, until something is not as it should be.
"""

from __future__ import annotations

import sqlite3
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

MAGIC = b"\x89MCAP0\r\n"
_SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _DATA_END = 0x03, 0x04, 0x05, 0x06, 0x0F
_LARGEST_RECORD = 1 << 30


class Message(NamedTuple):
    """One message as it was recorded."""

    topic: str
    kind: str
    """Its type, as in "sensor_msgs/msg/Image"."""
    bag_ns: int
    """When it was recorded."""
    data: bytes


class DamageError(Exception):
    """The place where a recording cannot be read any further; ends an iteration."""


def salvage(path: Path) -> Iterator[Message]:
    """Yield the messages of one file in the order of the file; raise DamageError at the damage."""
    return _salvage_sqlite(path) if path.suffix == ".db3" else _salvage_mcap(path)


class _Mcap:
    """The tables of an mcap file as far as it has been read."""

    def __init__(self) -> None:
        self.kinds: dict[int, str] = {}
        self.channels: dict[int, tuple[str, str]] = {}

    def read(self, file: BinaryIO, size: int, where: str) -> Iterator[Message]:
        """Yield the messages of a file, or of what was packed in a chunk."""
        while file.tell() < size:
            at = file.tell()
            head = file.read(9)
            length = int.from_bytes(head[1:], "little")
            cut = len(head) < 9 or at + 9 + length > size
            if head[0] == _DATA_END and not cut:
                return
            if head[0] == _CHUNK and not cut and length <= _LARGEST_RECORD:
                yield from self._chunk(file.read(length), at)
            elif head[0] == _CHUNK and len(head) == 9:
                yield from self._chunk(file.read(min(size - at - 9, _LARGEST_RECORD)), at)
            if cut:
                raise DamageError(f"it is cut off{where} at byte {at} of {size}")
            if head[0] == 0:
                raise DamageError(f"there is no record{where} at byte {at}")
            if head[0] in (_SCHEMA, _CHANNEL, _MESSAGE) and length <= _LARGEST_RECORD:
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
                return Message(*self.channels[key], logged, data[22:])
        except (struct.error, UnicodeDecodeError, KeyError) as error:
            raise DamageError(f"the record at byte {at} makes no sense ({error!r})") from error
        return None

    def _chunk(self, data: bytes, at: int) -> Iterator[Message]:
        from rosbags.rosbag2.storage_mcap import DECOMPRESSORS

        try:
            size, crc = struct.unpack_from("<QI", data, 16)
            compression, start = _text(data, 28)
            (packed,) = struct.unpack_from("<Q", data, start)
        except (struct.error, UnicodeDecodeError) as error:
            raise DamageError(f"the chunk at byte {at} is cut off in its head") from error
        inside = data[start + 8 : start + 8 + packed]
        whole = len(inside) == packed
        if compression:
            if not whole or compression not in DECOMPRESSORS or size > _LARGEST_RECORD:
                raise DamageError(f"the chunk ({compression}) at byte {at} cannot be unpacked")
            try:
                inside = DECOMPRESSORS[compression](inside, size)
            except Exception as error:  # each library has errors of its own
                raise DamageError(f"the chunk at byte {at} does not unpack ({error})") from error
        if whole and crc and zlib.crc32(inside) != crc:
            raise DamageError(f"the chunk at byte {at} has a wrong check sum")
        yield from self.read(BytesIO(inside), len(inside), f" in the chunk at byte {at},")


def _salvage_mcap(path: Path) -> Iterator[Message]:
    with open(path, "rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise DamageError("it does not start like an mcap file")
        yield from _Mcap().read(file, path.stat().st_size, "")
    raise DamageError("its index is missing or damaged; all messages could be read")


def _salvage_sqlite(path: Path) -> Iterator[Message]:
    done = 0
    try:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)
        try:
            # Without this a file shorter than its header says is refused as a whole.
            connection.execute("PRAGMA writable_schema=ON")
            topics = {
                key: (name, kind)
                for key, name, kind in connection.execute("SELECT id, name, type FROM topics")
            }
            # By row and not by time: an index lies behind the rows, where the damage is.
            rows = connection.execute("SELECT topic_id, timestamp, data FROM messages ORDER BY id")
            for key, stamp, data in rows:
                if key not in topics or not isinstance(data, bytes):
                    raise DamageError(f"message {done} makes no sense")
                yield Message(*topics[key], stamp, data)
                done += 1
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise DamageError(f"it cannot be read behind message {done} ({error})") from error
    raise DamageError("its index is missing or damaged; all messages could be read")


def _text(data: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", data, at)
    if at + 4 + length > len(data):
        raise struct.error("text beyond the end")
    return data[at + 4 : at + 4 + length].decode(), at + 4 + length
