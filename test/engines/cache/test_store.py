# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An engine in the cache is the one that was built, whole, or it is not there at all."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.patience import PATIENCE_S

from nightseg_ros.engines.cache.key import EngineKey
from nightseg_ros.engines.cache.record import RECORD
from nightseg_ros.engines.cache.store import EngineCache, cache_dir
from nightseg_ros.errors import NightsegError
from nightseg_ros.files import locks as cache_lock

KEY = EngineKey(
    "ab" * 32, "tensorrt", "10.9.0", "NVIDIA L4 sm89", "fp16", 272, 480, 1, "models/day"
)
OTHERS: dict[str, Any] = {
    "sha256": "cd" * 32,
    "backend": "tensorrt_rtx",
    "version": "10.9.1",
    "device": "NVIDIA L4 sm90",
    "precision": "fp32",
    "height": 480,
    "width": 272,
    "batch": 8,
}


def write(content: bytes = b"engine") -> Any:
    def builder(folder: Path) -> Mapping[str, Any]:
        (folder / "engine.plan").write_bytes(content)
        (folder / "more").mkdir()
        (folder / "more" / "file").write_bytes(b"x")
        return {"parity": {"equal_share": 0.999}}

    return builder


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


def test_what_was_built_is_found_with_its_facts(cache: EngineCache) -> None:
    assert cache.find(KEY) is None
    built = cache.build(KEY, write(b"12345678"))
    found = EngineCache(cache.root).find(KEY)
    assert found == built
    assert (found.path / "engine.plan").read_bytes() == b"12345678"
    assert (found.key, found.bytes, found.proven) == (KEY, 9, True)
    assert found.facts == {"parity": {"equal_share": 0.999}}
    assert cache.why_not(KEY) == ""
    assert [path.name for path in cache.root.iterdir()] == [KEY.folder_name]  # no lock is left


def test_it_is_built_once_and_again_only_when_forced(cache: EngineCache) -> None:
    cache.build(KEY, write(b"first"))
    assert (cache.build(KEY, write(b"second")).path / "engine.plan").read_bytes() == b"first"
    forced = cache.build(KEY, write(b"third"), force=True)
    assert (forced.path / "engine.plan").read_bytes() == b"third"
    assert len(list(forced.path.parent.iterdir())) == 2  # the old build is gone


@pytest.mark.parametrize("name", OTHERS)
def test_any_difference_makes_it_another_engine(name: str, cache: EngineCache) -> None:
    other = dataclasses.replace(KEY, **{name: OTHERS[name]})
    assert other.folder_name != KEY.folder_name
    cache.build(KEY, write())
    assert cache.find(other) is None
    assert other.build_command in cache.why_not(other)


def test_the_name_of_the_model_is_no_difference(cache: EngineCache) -> None:
    cache.build(KEY, write())
    assert cache.find(dataclasses.replace(KEY, model="/elsewhere/day")) is not None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"device": "NVIDIA H200 sm90"},
            "stale: it was built for NVIDIA L4 sm89, this is NVIDIA H",
        ),
        ({"version": "10.9.1"}, "stale: it was built by tensorrt 10.9.0, here is 10.9.1"),
        ({"sha256": "cd" * 32}, "stale: it was built from an earlier day"),
        ({"precision": "fp32"}, "there is no tensorrt engine for NVIDIA L4 sm89 in"),
    ],
    ids=str,
)
def test_a_stale_engine_is_named_with_the_command(
    change: dict[str, str], reason: str, cache: EngineCache
) -> None:
    cache.build(KEY, write())
    logged = cache.why_not(dataclasses.replace(KEY, **change))
    assert reason in logged
    assert logged.endswith("build it with `nightseg build-engine models/day --engine tensorrt`")


def damage_truncate(folder: Path, engine: Path) -> None:
    engine.write_bytes(engine.read_bytes()[:-1])


def damage_bit(folder: Path, engine: Path) -> None:
    data = engine.read_bytes()
    engine.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def damage_missing(folder: Path, engine: Path) -> None:
    engine.unlink()


def damage_garbage(folder: Path, engine: Path) -> None:
    (folder / RECORD).write_bytes(b"\xff\x00{")


def damage_nesting(folder: Path, engine: Path) -> None:
    (folder / RECORD).write_bytes(b"[" * 100_000)


def damage_format(folder: Path, engine: Path) -> None:
    (folder / RECORD).write_text(json.dumps({"format": 2}))


def damage_escape(folder: Path, engine: Path) -> None:
    record = json.loads((folder / RECORD).read_text())
    record["folder"] = ".."
    (folder / RECORD).write_text(json.dumps(record))


def damage_other_key(folder: Path, engine: Path) -> None:
    record = json.loads((folder / RECORD).read_text())
    record["key"]["device"] = "another"
    (folder / RECORD).write_text(json.dumps(record))


DAMAGES = {name: thing for name, thing in globals().items() if name.startswith("damage_")}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_engine_is_named_and_built_again(damage: str, cache: EngineCache) -> None:
    path = cache.build(KEY, write(b"good")).path
    DAMAGES[damage](path.parent, path / "engine.plan")
    assert cache.find(KEY) is None
    assert "corrupt" in cache.why_not(KEY)
    assert KEY.build_command in cache.why_not(KEY)
    (entry,) = cache.entries()
    assert entry.problem.startswith("corrupt")
    said: list[str] = []
    again = cache.build(KEY, write(b"better"), said.append)
    assert (again.path / "engine.plan").read_bytes() == b"better"
    assert any("corrupt" in line for line in said)


@given(st.binary(max_size=300) | st.text('{}[]":,.01aeorckfildtmsbu', max_size=80).map(str.encode))
def test_no_engine_json_ever_makes_it_stumble(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        cache = EngineCache(Path(folder))
        (cache.root / KEY.folder_name).mkdir()
        (cache.root / KEY.folder_name / RECORD).write_bytes(data)
        assert cache.find(KEY) is None
        assert "corrupt" in cache.why_not(KEY)
        assert cache.entries()[0].engine is None


class _BrokenError(Exception):
    pass


def fail(folder: Path) -> Mapping[str, Any]:
    (folder / "engine.plan").write_bytes(b"half of i")
    raise _BrokenError("the builder broke")


def test_a_failed_build_leaves_nothing(cache: EngineCache) -> None:
    with pytest.raises(_BrokenError):
        cache.build(KEY, fail)
    assert list(cache.root.iterdir()) == []


def test_a_failed_build_keeps_the_old_engine(cache: EngineCache) -> None:
    before = cache.build(KEY, write(b"old"))
    with pytest.raises(_BrokenError):
        cache.build(KEY, fail, force=True)
    assert cache.find(KEY) == before
    assert len(list(before.path.parent.iterdir())) == 2


def test_a_builder_that_writes_nothing_is_refused(cache: EngineCache) -> None:
    with pytest.raises(NightsegError, match="wrote no file"):
        cache.build(KEY, lambda folder: {})
    assert cache.entries() == []


def test_an_error_of_the_builder_elsewhere_is_not_blamed_on_the_cache(cache: EngineCache) -> None:
    def builder(folder: Path) -> Mapping[str, Any]:
        raise FileNotFoundError(2, "No such file or directory", "/no/images")

    with pytest.raises(FileNotFoundError, match="/no/images"):
        cache.build(KEY, builder)


def test_progress_is_reported_while_it_builds(
    cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_lock, "PROGRESS_S", 0.01)
    said: list[str] = []
    enough = threading.Event()

    def log(line: str) -> None:
        said.append(line)
        if len(said) == 3:
            enough.set()

    def builder(folder: Path) -> Mapping[str, Any]:
        assert enough.wait(PATIENCE_S)
        return write()(folder)

    cache.build(KEY, builder, log)
    assert said[0].startswith("building the tensorrt engine of day: 0 s")
    assert "engine-build-progress" not in {thread.name for thread in threading.enumerate()}


def test_facts_can_be_added_later(cache: EngineCache) -> None:
    engine = cache.build(KEY, lambda folder: {**write()(folder), "parity": None})
    assert not engine.proven
    noted = cache.note(engine, {"parity": {"equal_share": 1.0}})
    assert noted.proven
    assert cache.find(KEY) == noted
    assert noted.path == engine.path


def test_entries_are_listed_and_removed(cache: EngineCache) -> None:
    assert cache.entries() == []
    cache.build(KEY, write(b"12345678"))
    cache.build(dataclasses.replace(KEY, batch=4), write())
    (cache.root / "timing.cache").write_bytes(b"")
    (cache.root / "something-else").mkdir()
    one, four = cache.entries()
    assert one.engine is not None
    assert (one.engine.key, one.problem, one.busy) == (KEY, "", False)
    assert one.bytes > 9  # engine.json counts too
    assert cache.remove(one)
    assert cache.find(KEY) is None
    assert cache.remove(one)  # gone already is fine
    assert cache.entries() == [four]


def test_the_cache_is_where_the_user_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.delenv("NIGHTSEG_ENGINE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_dir() == Path("/home/somebody/.cache/nightseg_ros/engines")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_dir() == Path("/home/somebody/.cache/nightseg_ros/engines")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache")
    assert cache_dir() == Path("/var/cache/nightseg_ros/engines")
    monkeypatch.setenv("NIGHTSEG_ENGINE_CACHE", "~/engines")
    assert cache_dir() == Path("/home/somebody/engines")
