# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pipes, devices, sockets and files without end are refused at once."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.regular import read_regular, require_regular


def test_files_and_links_to_them_are_read(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("a")
    assert read_regular(tmp_path / "a", 5) == read_regular(tmp_path / "link", 5) == b"12345"
    with pytest.raises(NightsegError, match="is larger than"):
        read_regular(tmp_path / "a", 4)
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none", 4)


@pytest.mark.parametrize("through_a_link", [False, True])
@pytest.mark.parametrize("kind", ["a named pipe", "a device", "a socket", "a folder"])
def test_anything_else_is_refused_without_being_opened(
    tmp_path: Path, kind: str, through_a_link: bool
):
    path = tmp_path / "x"
    if kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a device":
        path = Path("/dev/zero")
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(str(path))
    else:
        path.mkdir()
    if through_a_link:
        (tmp_path / "link").symlink_to(path)
        path = tmp_path / "link"
    for refuse in (require_regular, lambda path: read_regular(path, 100)):
        with pytest.raises(NightsegError, match=f"is {kind}, or a link to one"):
            refuse(path)


def test_a_file_that_lies_about_its_size_is_read_no_further(tmp_path: Path, monkeypatch):
    (tmp_path / "a").write_bytes(b"12345")  # as files of /proc do
    real = os.fstat
    monkeypatch.setattr(
        "nightseg_ros.files.regular.os.fstat",
        lambda descriptor: os.stat_result([*real(descriptor)[:6], 0, *real(descriptor)[7:10]]),
    )
    with pytest.raises(NightsegError, match="is larger than"):
        read_regular(tmp_path / "a", 4)
