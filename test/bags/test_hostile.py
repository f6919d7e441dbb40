# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings that somebody made to do harm: one clear line, and neither time nor memory is lost."""

from __future__ import annotations

import io
import sqlite3
import struct
from pathlib import Path

import pytest

pytest.importorskip("rosbags.rosbag2")

from rosbags.rosbag2 import CompressionMode, storage_mcap
from support import bags as bags

from nightseg_ros.bags import sqlite_file
from nightseg_ros.bags.compression import unpack_chunk, zstd_module
from nightseg_ros.bags.source import Bag
from nightseg_ros.errors import NightsegError

pytestmark = pytest.mark.timeout(60)  # what is refused here once went on for ever

CAMERA = "/cam/image"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
VIEWS = {
    "messages": f"{ENDLESS} SELECT i AS id, 1 AS topic_id, i AS timestamp, x'00' AS data FROM n",
    "topics": f"{ENDLESS} SELECT i AS id, '/t' || i AS name, 'x' AS type FROM n",
}


def written(path: Path, topic: str = CAMERA, mode: CompressionMode | None = None) -> Path:
    """Write four frames; return the folder."""
    content = [
        (topic, bags.stamp(i), bags.raw(bags.stamp(i), bags.picture(i, (8, 8)))) for i in range(4)
    ]
    return bags.write_bag(path, content, mode)


def changed(path: Path, *commands: str) -> Path:
    """Write a db3 file and change it behind the back of its writer; nothing is NOT NULL."""
    file = bags.bag_file(written(path))
    free = "UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE type = 'table'"
    for step in (["PRAGMA writable_schema = ON", free], commands):
        connection = sqlite3.connect(file)
        for command in step:
            connection.execute(command)
        connection.commit()
        connection.close()
    return file


def reasons(path: Path) -> str:
    """Return why a bag is refused, or why its messages end."""
    try:
        bag = Bag(path)
    except NightsegError as error:
        return str(error)
    list(bag.messages([CAMERA]))
    return bag.damage


@pytest.mark.parametrize("table", VIEWS)
def test_an_endless_view_is_no_table(tmp_path: Path, table: str):
    file = changed(
        tmp_path / "a.db3", f"DROP TABLE {table}", f"CREATE VIEW {table} AS {VIEWS[table]}"
    )
    for path in (file, file.parent):
        assert f"'{table}' in it is not a plain table" in reasons(path)


def test_a_view_that_calls_itself_a_table_is_none(tmp_path: Path):
    view = f"CREATE VIEW messages AS {VIEWS['messages']}".replace("'", "''")
    file = changed(
        tmp_path / "a.db3",
        "DROP TABLE messages",
        "PRAGMA writable_schema = ON",
        f"INSERT INTO sqlite_master VALUES ('table', 'messages', 'messages', 0, '{view}')",
    )
    assert "'messages' in it is not a plain table" in reasons(file)


def test_an_endless_view_in_a_packed_file_is_found_too(tmp_path: Path):
    file = changed(
        tmp_path / "a.db3", "DROP TABLE topics", f"CREATE VIEW topics AS {VIEWS['topics']}"
    )
    packed = written(tmp_path / "b.db3", mode=CompressionMode.FILE)
    (inside,) = packed.glob("*.zstd")
    inside.write_bytes(zstd_module().compress(file.read_bytes()))
    assert "'topics' in it is not a plain table" in reasons(packed)


def test_computed_columns_are_refused(tmp_path: Path):
    columns = "id INTEGER PRIMARY KEY, topic_id, timestamp, data AS (zeroblob(900000000))"
    file = changed(tmp_path / "a.db3", "DROP TABLE messages", f"CREATE TABLE messages ({columns})")
    assert "column 'data' of its messages is computed" in reasons(file)


def test_sqlite_takes_no_more_steps_than_the_size_of_a_file_explains(tmp_path: Path, monkeypatch):
    file = bags.bag_file(written(tmp_path / "a.db3"))
    monkeypatch.setattr(sqlite_file, "_LEAST_STEPS", 0)
    monkeypatch.setattr(sqlite_file, "_STEPS_PER_BYTE", 0)
    monkeypatch.setattr(sqlite_file, "_STEPS_AT_ONCE", 1)
    assert "interrupted" in reasons(file)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("topics.name", "x'ff00'", r"a topic is named b'\xff\x00'"),
        ("topics.name", "NULL", "a topic is named None"),
        ("topics.type", "NULL", "the type of /cam/image is None"),
        ("messages.timestamp", "'now'", "recorded at 'now', which is not a valid time"),
        ("messages.timestamp", "1.5", "recorded at 1.5"),
        ("messages.timestamp", "-5", "recorded at -5"),
        ("messages.data", "'text'", "of type str, not bytes"),
        ("messages.data", "1000000000000", "of type int, not bytes"),
        ("messages.data", "NULL", "of type NoneType, not bytes"),
    ],
)
def test_values_of_another_type_are_named(tmp_path: Path, column, value, reason):
    table, name = column.split(".")
    assert reason in reasons(changed(tmp_path / "a.db3", f"UPDATE {table} SET {name} = {value}"))


def test_messages_before_a_wrong_value_are_read(tmp_path: Path):
    bag = Bag(changed(tmp_path / "a.db3", "UPDATE messages SET data = 5 WHERE id = 3"))
    assert [message.bag_ns for message in bag.messages([CAMERA])] == [bags.stamp(0), bags.stamp(1)]
    assert "of type int" in bag.damage


@pytest.mark.parametrize("suffix", [".mcap", ".db3"])
@pytest.mark.parametrize(
    "topic", ["/cam\0era", "/cam\nera", "/" + "x" * 300], ids=["NUL", "line", "long"]
)
def test_what_is_no_name_is_no_topic(tmp_path: Path, suffix, topic):
    assert "a topic is named '/" in reasons(written(tmp_path / f"a{suffix}", topic))


@pytest.mark.parametrize(
    "text", ["a: b\n" * 1_000_000, "[" * 20_000, "\0"], ids=["large", "deep", "NUL"]
)
@pytest.mark.parametrize("suffix", [".mcap", ".db3"])
def test_the_metadata_is_not_read(tmp_path: Path, text, suffix):
    folder = written(tmp_path / f"a{suffix}")
    (folder / "metadata.yaml").write_text(text)
    bag = Bag(folder)
    assert bag.topics[CAMERA].count == len(list(bag.messages([CAMERA]))) == 4
    assert bag.damage == ""


def test_the_quality_of_service_is_not_read(tmp_path: Path, monkeypatch):
    deep = "[" * 20_000
    file = changed(tmp_path / "a.db3", f"UPDATE topics SET offered_qos_profiles = '{deep}'")
    assert Bag(file).topics[CAMERA].count == 4

    def record(bio: io.BytesIO, code: int, content: io.BytesIO) -> None:
        if code == 4:  # a channel, whose metadata come last
            at = content.getvalue().index(b"offered_qos_profiles") - 8
            metadata = io.BytesIO()
            for text in ("offered_qos_profiles", deep):
                storage_mcap.write_string(metadata, text)
            content.seek(at)
            content.truncate()
            storage_mcap.write_uint32(content, metadata.tell())
            content.write(metadata.getvalue())
        write(bio, code, content)

    write = storage_mcap.write_record
    monkeypatch.setattr(storage_mcap, "write_record", record)
    bag = Bag(written(tmp_path / "b.mcap"))
    assert bag.topics[CAMERA].count == len(list(bag.messages([CAMERA]))) == 4
    assert deep.encode() in bags.bag_file(bag.path).read_bytes()


def test_chunks_in_chunks_are_refused_at_the_second(tmp_path: Path):
    inside = b""
    for _ in range(1000):
        head = struct.pack("<QQQIIQ", 0, 1, len(inside), 0, 0, len(inside))
        inside = b"\x06" + struct.pack("<Q", len(head + inside)) + head + inside
    header = struct.pack("<I", 4) + b"ros2" + struct.pack("<I", 0)
    path = tmp_path / "a.mcap"
    path.write_bytes(b"\x89MCAP0\r\n\x01" + struct.pack("<Q", len(header)) + header + inside)
    assert "there is another chunk in the chunk at byte 29" in reasons(path)


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_a_chunk_unpacks_to_what_it_reports_and_no_further(compression):
    lz4 = pytest.importorskip("lz4.frame")
    pack = zstd_module().compress if compression == "zstd" else lz4.compress
    data = pack(bytes(10_000_000))
    assert unpack_chunk(compression, data, 10_000_000) == bytes(10_000_000)
    for size in (0, 1000, 9_999_999, 10_000_001):
        with pytest.raises(ValueError, match="does not unpack to its"):
            unpack_chunk(compression, data, size)
    with pytest.raises(ValueError, match="more than"):
        unpack_chunk(compression, data, 1 << 60)
    with pytest.raises(ValueError, match="is not a compression"):
        unpack_chunk("rar", data, 10_000_000)


def test_a_chunk_that_unpacks_to_more_than_it_reports_is_damage(tmp_path: Path, monkeypatch):
    bomb = zstd_module().compress(bytes(1 << 24))
    monkeypatch.setattr(storage_mcap.zstd, "compress", lambda _: bomb)
    assert "does not unpack" in reasons(written(tmp_path / "a.mcap", mode=CompressionMode.STORAGE))
