# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two runs never write one output; the second is refused, and a dead one blocks none."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.files import locks
from nightseg_ros.files.sole_writer import contents, sole_file_writer, sole_folder_writer

HOLD = """
import sys, time
from pathlib import Path
from nightseg_ros.files import sole_writer
with getattr(sole_writer, sys.argv[1])(Path(sys.argv[2])):
    print("holds", flush=True)
    time.sleep(100)
"""
WRITERS = {"sole_folder_writer": sole_folder_writer, "sole_file_writer": sole_file_writer}


def start(writer: str, path: Path) -> subprocess.Popen[str]:
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, writer, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    return process


@pytest.mark.parametrize("writer", WRITERS)
def test_the_second_is_refused_until_the_first_is_gone_even_by_kill(tmp_path: Path, writer: str):
    path = tmp_path / "out"
    first = start(writer, path)
    try:
        logged = f"{re.escape(str(path))} is being written by process {first.pid} \\("
        with pytest.raises(NightsegError, match=logged), WRITERS[writer](path):
            pass
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    with WRITERS[writer](path):
        pass
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []  # no lock is left


def test_locks_of_files_that_killed_runs_left_in_a_folder_are_swept(tmp_path: Path):
    living = start("sole_file_writer", tmp_path / "living.mcap")
    dead = start("sole_file_writer", tmp_path / "dead.mcap")
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    try:
        with sole_folder_writer(tmp_path):
            names = sorted(path.name for path in tmp_path.iterdir())
            assert names == [".living.mcap.nightseg.lock", ".nightseg.lock"]
            assert contents(tmp_path) == []
    finally:
        living.kill()
        living.wait()


def test_a_folder_stays_away_where_nothing_came_into_it(tmp_path: Path):
    with sole_folder_writer(tmp_path / "empty"):
        pass
    with sole_folder_writer(tmp_path / "filled"):
        (tmp_path / "filled" / "a").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["filled"]


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path):
    (tmp_path / "out").touch()
    with (
        pytest.raises(NightsegError, match="is a file; name a folder"),
        sole_folder_writer(tmp_path / "out"),
    ):
        pass


def test_a_lock_that_is_removed_while_it_is_taken_is_taken_again(tmp_path: Path, monkeypatch):
    lock, real, removed = tmp_path / "lock", locks.try_hold, []

    def try_hold(descriptor: int, *, without_locks: bool) -> bool:
        if not removed:  # the last holder is done in this very moment
            removed.append(lock.unlink())
        return real(descriptor, without_locks=without_locks)

    monkeypatch.setattr(locks, "try_hold", try_hold)
    descriptor = locks.try_lock(lock)
    assert descriptor is not None
    assert locks.is_at(descriptor, lock)
    assert locks.try_lock(lock) is None
    locks.unlock(lock, descriptor)


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "lock").symlink_to("precious")
    with pytest.raises(OSError, match="symbolic links"):
        locks.try_lock(tmp_path / "lock")
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize("text", [b"", b"\xff\x00", b"nonsense", b"process \x1b[31m"])
def test_a_lock_file_with_anything_in_it_names_nobody(tmp_path: Path, text: bytes):
    (tmp_path / "lock").write_bytes(text)
    assert locks.lock_holder(tmp_path / "lock") == "another process"
