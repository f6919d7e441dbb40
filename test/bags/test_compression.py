# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Packed messages and files come back whole; what would fill memory or disk is refused."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed: pip install '.[replay]'")

from nightseg_ros.bags import compression
from nightseg_ros.bags.message import Message
from nightseg_ros.errors import NightsegError

DATA = bytes(range(256)) * 500


def packed(data=DATA):
    return compression.zstd_module().compress(data)


def message(data):
    return Message("/image", "sensor_msgs/msg/Image", 1, data)


def test_messages_are_unpacked():
    assert compression.unpack_message(message(packed())).data == DATA
    assert compression.unpack_message(message(DATA)).data == DATA


@pytest.mark.parametrize("data", [packed()[:-5], packed()[:5], compression.MAGIC + b"garbage"])
def test_what_cannot_be_unpacked_stays_as_it_is(data):
    assert compression.unpack_message(message(data)).data == data


def test_a_bomb_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(compression, "MAX_MESSAGE_BYTES", len(DATA))
    assert compression.unpack_message(message(packed())).data == DATA
    bomb = packed(DATA + b"x")
    assert compression.unpack_message(message(bomb)).data == bomb


def test_a_file_that_would_fill_the_disk_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "bag.mcap.zstd"
    file.write_bytes(packed(DATA * 20))
    with compression.unpacked(file) as plain:
        assert plain.read_bytes() == DATA * 20
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=len(DATA)))
    with pytest.raises(NightsegError, match="unpacks to more than"), compression.unpacked(file):
        pass
