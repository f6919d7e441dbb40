# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Files appear whole or not at all, and the next run sweeps what a killed one left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from nightseg_ros.files import atomic
from nightseg_ros.files.atomic import (
    atomic_file,
    scratch_folder,
    sweep,
    unfinished_folder,
    write_all_atomically,
    write_atomically,
)

# Runs `with argv[1](Path(argv[2]))`, prints what it contains, and waits to be killed.
HOLD = """
import sys, time
from pathlib import Path
from nightseg_ros.files import atomic
what = sys.argv[2] if sys.argv[1] == "scratch_folder" else Path(sys.argv[2])
with getattr(atomic, sys.argv[1])(what) as place:
    (place / "part" if place.is_dir() else place).write_bytes(b"half")
    print(place, flush=True)
    time.sleep(100)
"""


def killed(what: str, path: Path | str) -> tuple[subprocess.Popen[str], Path]:
    """Start a process that writes `path` and return it with the place of its unfinished file."""
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, what, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("write", ["write_atomically", "atomic_file", "sweep"])
def test_the_next_run_sweeps_what_a_killed_one_left_and_nothing_else(tmp_path: Path, write: str):
    foreign = [".report.html.swp", ".report.html.12345678", "report.html.0123abcd.unfinished"]
    for name in foreign:
        (tmp_path / name).touch()
    living, held = killed("atomic_file", tmp_path / "report.html")
    dead, left = killed("atomic_file", tmp_path / "report.html")
    kill(dead)
    assert left.read_bytes() == b"half"
    assert left.parent == tmp_path
    try:
        if write == "write_atomically":
            write_atomically(tmp_path / "report.html", b"new")
        elif write == "atomic_file":
            with atomic_file(tmp_path / "report.html") as place:
                place.write_bytes(b"new")
        else:
            sweep(tmp_path)
        made = [] if write == "sweep" else ["report.html"]
        assert names(tmp_path) == sorted([*foreign, held.name, *made])
    finally:
        kill(living)


def test_folders_of_killed_runs_are_swept_too(tmp_path: Path):
    living, held = killed("unfinished_folder", tmp_path / "drive.mcap")
    dead, left = killed("unfinished_folder", tmp_path / "drive.mcap")
    kill(dead)
    assert (left / "part").is_file()
    try:
        with unfinished_folder(tmp_path / "drive.mcap") as place:
            assert names(tmp_path) == sorted([held.name, place.name])
        assert names(tmp_path) == [held.name]
    finally:
        kill(living)


def test_scratch_folders_of_killed_runs_are_swept_by_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    dead, left = killed("scratch_folder", "proof")
    kill(dead)
    assert names(tmp_path) == [left.name]
    with scratch_folder("bench") as place:
        assert names(tmp_path) == [place.name]
    assert names(tmp_path) == []


def test_an_error_leaves_the_old_file_and_no_other(tmp_path: Path):
    file = tmp_path / "a.rrd"
    file.write_bytes(b"old")

    def fail() -> None:
        with atomic_file(file) as place:
            place.write_bytes(b"half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert (names(tmp_path), file.read_bytes()) == (["a.rrd"], b"old")


def test_no_file_is_replaced_before_all_are_written(tmp_path: Path, monkeypatch):
    for name in "ab":
        (tmp_path / name).write_bytes(b"old")

    usual = Path.open

    def opening(path: Path, mode: str):
        if path.name.startswith(".b."):
            raise OSError("full")
        return usual(path, mode)

    monkeypatch.setattr(Path, "open", opening)
    with pytest.raises(OSError, match="full"):
        write_all_atomically({tmp_path / "a": b"new", tmp_path / "b": b"new"})
    assert names(tmp_path) == ["a", "b"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_file_has_the_rights_that_the_user_gives_new_files(tmp_path: Path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_the_longest_name_that_a_file_can_have_is_no_hurdle(tmp_path: Path):
    for name in ("x" * 255, "ü" * 127):
        write_atomically(tmp_path / name, b"new")
    assert len(names(tmp_path)) == 2


def test_what_is_swept_before_it_is_locked_is_made_again(tmp_path: Path, monkeypatch):
    real = atomic.try_hold
    first = []

    def try_hold(descriptor: int, *, without_locks: bool) -> bool:
        if not first:  # as if another process swept in this very moment
            first.append(next(iter(tmp_path.iterdir())))
            first[0].unlink()
        return real(descriptor, without_locks=without_locks)

    monkeypatch.setattr(atomic, "try_hold", try_hold)
    write_atomically(tmp_path / "a", b"new", one_of_many=True)
    assert first
    assert (names(tmp_path), (tmp_path / "a").read_bytes()) == (["a"], b"new")
