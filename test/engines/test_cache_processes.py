# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The cache among several processes, and on disks that are full, read-only, or pulled away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.patience import PATIENCE_S

from nightseg_ros.engines.cache.key import EngineKey
from nightseg_ros.engines.cache.store import EngineCache
from nightseg_ros.errors import NightsegError

KEY = EngineKey(
    "ab" * 32, "tensorrt", "10.9.0", "NVIDIA L4 sm89", "fp16", 272, 480, 1, "models/day"
)

# Builds into argv[1]. The builder writes a line into the log argv[2], half an engine, then waits
# for the file argv[3], then writes the rest: argv[4].
BUILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, {repository!r})
from nightseg_ros.engines.cache.store import EngineCache, EngineKey
root, log, gate, content, force = sys.argv[1:]
key = EngineKey({key})
def builder(folder):
    with open(log, "a") as file:
        file.write(content + "\\n")
    with (folder / "engine.plan").open("wb") as file:
        file.write(content.encode()); file.flush()
        while not Path(gate).exists():
            time.sleep(0.02)
        file.write(b" whole")
    return {{}}
engine = EngineCache(Path(root)).build(key, builder, lambda line: print(line, flush=True),
                                       force=bool(force))
print((engine.path / "engine.plan").read_text(), flush=True)
"""


def start(tmp_path: Path, content: str, *, force: bool = False) -> subprocess.Popen[str]:
    fields = ", ".join(repr(value) for value in KEY.to_dict().values())
    code = BUILD.format(repository=str(Path(__file__).resolve().parents[2]), key=fields)
    arguments = ["engines", "log", "gate"]
    command = [sys.executable, "-c", code, *(str(tmp_path / name) for name in arguments)]
    return subprocess.Popen(
        [*command, content, "yes" if force else ""], stdout=subprocess.PIPE, text=True
    )


def wait_for(condition: object) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def kill_while_building(tmp_path: Path, content: str, *, force: bool = False) -> None:
    process = start(tmp_path, content, force=force)
    try:
        log = tmp_path / "log"
        wait_for(lambda: log.exists() and content in log.read_text())
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=PATIENCE_S)


def finish(process: subprocess.Popen[str]) -> list[str]:
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    return output.splitlines()


def test_a_killed_build_leaves_no_engine_and_no_obstacle(tmp_path: Path) -> None:
    kill_while_building(tmp_path, "killed")
    cache = EngineCache(tmp_path / "engines")
    assert cache.find(KEY) is None
    assert "there is no tensorrt engine" in cache.why_not(KEY)
    (entry,) = cache.entries()
    assert (entry.problem, entry.busy) == ("unfinished build", False)
    (tmp_path / "gate").touch()
    assert finish(start(tmp_path, "second")) == ["second whole"]
    (folder,) = (path for path in cache.root.iterdir() if path.is_dir())
    assert len(list(folder.iterdir())) == 2  # engine.json and one build: the litter is gone


def test_a_killed_build_keeps_the_old_engine(tmp_path: Path) -> None:
    (tmp_path / "gate").touch()
    finish(start(tmp_path, "old"))
    (tmp_path / "gate").unlink()
    kill_while_building(tmp_path, "killed", force=True)
    cache = EngineCache(tmp_path / "engines")
    engine = cache.find(KEY)
    assert engine is not None
    assert (engine.path / "engine.plan").read_text() == "old whole"
    assert cache.entries()[0].problem == ""


@pytest.mark.parametrize("force", [False, True])
def test_a_second_builder_waits_and_takes_what_the_first_built(tmp_path: Path, force: bool) -> None:
    first = start(tmp_path, "first", force=force)
    wait_for((tmp_path / "log").exists)
    cache = EngineCache(tmp_path / "engines")
    (entry,) = cache.entries()
    assert (entry.busy, entry.problem) == (True, "")
    assert not cache.remove(entry)  # not while somebody works on it
    second = start(tmp_path, "second", force=force)
    assert second.stdout is not None
    waiting = second.stdout.readline()
    assert waiting.startswith(f"waiting for process {first.pid} (")
    assert ", which works on the tensorrt engine" in waiting
    (tmp_path / "gate").touch()
    assert finish(first) == ["first whole"]
    assert finish(second)[-1] == "first whole"
    assert (tmp_path / "log").read_text() == "first\n"


def test_a_full_disk_met_by_the_builder_is_one_clear_error(tmp_path: Path) -> None:
    def builder(folder: Path) -> dict[str, object]:
        with Path("/dev/full").open("wb") as file:
            file.write(b"x" * 100_000)
        return {}

    with pytest.raises(NightsegError, match=r"no space left .*nightseg engines clean --stale"):
        EngineCache(tmp_path).build(KEY, builder)
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "engines").write_text("")
    cache = EngineCache(tmp_path / "engines")
    with pytest.raises(NightsegError, match=r"cannot be written .*NIGHTSEG_ENGINE_CACHE"):
        cache.build(KEY, lambda folder: {})
    assert cache.find(KEY) is None
    with pytest.raises(NightsegError, match="cannot read the engine cache"):
        cache.entries()


MOUNTED = """
import os, subprocess, sys
from pathlib import Path
sys.path.insert(0, {repository!r})
from nightseg_ros.engines.cache.store import EngineCache, EngineKey
from nightseg_ros.errors import NightsegError
root = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(root)], check=True)
key, other = EngineKey({key}), EngineKey({other})
cache = EngineCache(root / "engines")
def build(size, **options):
    def builder(folder):
        (folder / "engine.plan").write_bytes(b"x" * size)
        return {{}}
    return cache.build(key, builder, **options)
def foreign(folder):
    try:
        (folder / "engine.plan").write_bytes(b"x" * (4 << 20))
    except OSError:
        raise RuntimeError("could not serialize") from None
def attempt(name, work):
    try:
        work()
        print(name, "went through")
    except NightsegError as error:
        print(name, error)
before = build(1000)
attempt("full", lambda: build(4 << 20, force=True))
attempt("foreign", lambda: cache.build(other, foreign))
print("kept", cache.find(key) == before, sorted(p.name for p in cache.root.iterdir()) ==
      [key.folder_name], len(list(before.path.parent.iterdir())))
subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
print("still", cache.find(key) == before, cache.why_not(key) == "", len(cache.entries()))
attempt("read-only", lambda: build(1000, force=True))
attempt("note", lambda: cache.note(before, {{"parity": 1}}))
attempt("remove", lambda: cache.remove(cache.entries()[0]))
print("kept", cache.find(key) == before)
"""


def test_a_disk_that_is_full_and_one_that_is_read_only(tmp_path: Path) -> None:
    """A small file system of its own, in a mount namespace that ends with the process."""
    probe = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
    try:
        allowed = subprocess.run(probe, capture_output=True).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip("this system lets users mount nothing in a namespace of their own")
    values = list(KEY.to_dict().values())
    fields = ", ".join(repr(value) for value in values)
    other = ", ".join(repr(value) for value in ["cd" * 32, *values[1:]])
    repository = str(Path(__file__).resolve().parents[2])
    code = MOUNTED.format(repository=repository, key=fields, other=other)
    done = subprocess.run(
        ["unshare", "-rm", sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith("full no space left for an engine in")
    assert lines[1].startswith("foreign no space left for an engine in")
    assert lines[2] == "kept True True 2"
    assert lines[3] == "still True True 1"
    for line, what in zip(lines[4:7], ("read-only", "note", "remove"), strict=True):
        assert line.startswith(f"{what} the engine cache")
        assert "Read-only file system" in line
        assert "NIGHTSEG_ENGINE_CACHE" in line
    assert lines[7] == "kept True"
