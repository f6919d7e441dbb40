# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A record comes back as it was, or its damage is one clear error."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.json_file import read_json, write_json


def test_a_record_comes_back(tmp_path: Path):
    file = tmp_path / "result.json"
    assert read_json(file, "remove it") is None
    write_json(file, {"figures": {"miou/day": 41.5}, "name": "ü"})
    assert read_json(file, "remove it") == {"figures": {"miou/day": 41.5}, "name": "ü"}


@pytest.mark.parametrize("text", [b"", b'{"figures": {"mi', b"\xff", b"[1]", b"[" * 100_000])
def test_damage_is_one_line_with_the_remedy(tmp_path: Path, text: bytes):
    file = tmp_path / "result.json"
    file.write_bytes(text)
    with pytest.raises(NightsegError) as caught:
        read_json(file, "remove it")
    assert str(caught.value).startswith(f"{file} is damaged (")
    assert str(caught.value).endswith("); remove it")


def test_what_cannot_be_read_is_refused_likewise(tmp_path: Path):
    with pytest.raises(NightsegError, match=r"cannot be read \(Is a directory\); remove it"):
        read_json(tmp_path, "remove it")
