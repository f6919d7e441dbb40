# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads a sqlite3 recording: plain tables only, in a number of steps bounded by its size.

A view or a computed column runs code from the file, which may never end.
"""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import quote

from nightseg_ros.bags.message import DamageError, Message, Topic, check_topic, checked

_PLAIN = re.compile("CREATE (TABLE|INDEX|UNIQUE INDEX) ")
"""The start of SQLite's own text of plain tables and indexes."""
_COMPUTED = (2, 3)
"""SQLite's codes of computed columns."""
_LEAST_STEPS, _STEPS_PER_BYTE, _STEPS_AT_ONCE = 1_000_000, 8, 10_000


class SqliteFile:
    """A complete file: messages are counted, and read in order of time."""

    def __init__(self, path: Path) -> None:
        self.damage = ""
        self._connection = _connect(path)
        try:
            self._topics = _topics(self._connection)
            query = "SELECT topic_id, count(*) FROM messages GROUP BY topic_id"
            counts = dict(self._connection.execute(query).fetchall())
        except BaseException:
            self.close()
            raise
        self.topics = {
            name: Topic(kind, counts.get(key, 0)) for key, (name, kind) in self._topics.items()
        }

    def messages(self, topics: Collection[str]) -> Iterator[Message]:
        """Yield the messages of some topics."""
        keys = [key for key, (name, _) in self._topics.items() if name in topics]
        where = f"topic_id IN ({', '.join('?' * len(keys))})"
        query = f"SELECT topic_id, timestamp, data FROM messages WHERE {where} ORDER BY timestamp"  # noqa: S608
        for key, stamp, data in self._connection.execute(query, keys):
            yield checked(*self._topics[key], stamp, data)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def salvage_sqlite(path: Path) -> Iterator[Message]:
    """Yield the messages of a damaged file, by row: the index on time may be damaged."""
    done = 0
    try:
        connection = _connect(path)
        try:
            topics = _topics(connection)
            query = "SELECT topic_id, timestamp, data FROM messages ORDER BY rowid"
            for key, stamp, data in connection.execute(query):
                if key not in topics:
                    raise DamageError(f"message {done} has no topic")
                yield checked(*topics[key], stamp, data)
                done += 1
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise DamageError(f"it cannot be read after message {done} ({error})") from error


def _connect(path: Path) -> sqlite3.Connection:
    """Open a file for reading, in any thread, after a check of its tables."""
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True, check_same_thread=False
    )
    most = (_LEAST_STEPS + _STEPS_PER_BYTE * path.stat().st_size) // _STEPS_AT_ONCE
    calls = itertools.count()
    try:
        # Without this, SQLite refuses a file that is shorter than its header declares.
        connection.execute("PRAGMA writable_schema=ON")
        connection.set_progress_handler(lambda: next(calls) > most, _STEPS_AT_ONCE)
        for name, text in connection.execute("SELECT name, sql FROM sqlite_master"):
            if text is not None and not (isinstance(text, str) and _PLAIN.match(text)):
                raise DamageError(f"'{name!s:.40}' in it is not a plain table")
        for table in ("topics", "messages"):
            for column in connection.execute(f"PRAGMA table_xinfo({table})"):
                if column[-1] in _COMPUTED:
                    raise DamageError(f"column '{column[1]!s:.40}' of its {table} is computed")
    except BaseException:
        connection.close()
        raise
    return connection


def _topics(connection: sqlite3.Connection) -> dict[object, tuple[str, str]]:
    """Return the topics by their keys."""
    topics = {}
    for key, name, kind in connection.execute("SELECT id, name, type FROM topics"):
        check_topic(name, kind)
        topics[key] = (name, kind)
    return topics
