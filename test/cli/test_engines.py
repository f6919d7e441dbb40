# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg engines` lists what was built, says what is of no more use, and removes it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import models as tiny
from support import verbs

from nightseg_ros.cli import engine_rows, engines_clean, engines_list
from nightseg_ros.engines.cache.staleness import Machine
from nightseg_ros.engines.cache.store import EngineCache, EngineKey
from nightseg_ros.files.json_file import to_json
from nightseg_ros.files.locks import file_lock

GPU = "NVIDIA L4 sm89"


def run(*argv: str) -> dict[str, Any]:
    result = verbs.run("engines", *argv)
    json.loads(to_json(result))
    return result


def write(folder: Path) -> dict[str, Any]:
    (folder / "engine.plan").write_bytes(b"x" * 2_000_000)
    return {"parity": {"equal_share": 1.0}}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineCache:
    """Four engines: good, of another GPU, corrupt, and unfinished."""
    monkeypatch.setenv("NIGHTSEG_ENGINE_CACHE", str(tmp_path / "engines"))
    machine = Machine({"tensorrt": "10.9.0"}, {"tensorrt": GPU})
    monkeypatch.setattr(engine_rows, "this_machine", lambda backends: machine)
    bundle = tiny.segmenter(tmp_path / "net")
    key = EngineKey.of(bundle, backend="tensorrt", version="10.9.0", device=GPU, precision="fp16")
    cache = EngineCache()
    cache.build(key, write)
    cache.build(replace(key, device="NVIDIA T4 sm75"), write)
    corrupt = cache.build(replace(key, precision="fp32"), write)
    (corrupt.path / "engine.plan").write_bytes(b"short")
    unfinished = cache.root / replace(key, batch=8).folder_name
    (unfinished / "build-abc").mkdir(parents=True)
    return cache


def test_every_engine_is_listed_with_its_state(cache: EngineCache) -> None:
    result = run("list")
    rows = {row["state"]: row for row in result["engines"]}
    assert sorted(rows) == ["corrupt", "ok", "stale", "unfinished"]
    good = rows["ok"]
    assert (good["model"], good["kind"], good["version"]) == ("net", "tensorrt", "10.9.0")
    assert (good["device"], good["precision"], good["proven"]) == (GPU, "fp16", True)
    assert (good["width"], good["height"], good["batch"]) == (tiny.WIDTH, tiny.HEIGHT, 1)
    assert good["age_s"] >= 0
    assert rows["stale"]["problem"] == f"this machine has {GPU}"
    assert rows["corrupt"]["problem"] == "corrupt: engine.plan has 5 bytes, not 2000000"
    lines = engines_list.render(result).splitlines()
    assert lines[0] == str(cache.root)
    assert lines[1].split() == list(engines_list.COLUMNS)
    (line,) = (line for line in lines if line.endswith("  ok"))
    assert line.split()[:6] == ["net", "tensorrt", "10.9.0", "fp16", "64x48", "2.0"]
    assert any("stale: this machine has NVIDIA L4 sm89" in line for line in lines)
    assert any(line.endswith("  unfinished build") for line in lines)


def test_clean_stale_keeps_what_is_of_use(cache: EngineCache) -> None:
    result = run("clean", "--stale")
    assert sorted(row["state"] for row in result["removed"]) == ["corrupt", "stale", "unfinished"]
    assert result["freed_bytes"] > 2_000_000
    assert [row["state"] for row in run("list")["engines"]] == ["ok"]
    text = engines_clean.render(result)
    assert text.splitlines()[-1].startswith("3 engines removed, 2.0 MB freed")


def test_clean_all_removes_all_that_is_ours_and_nothing_else(cache: EngineCache) -> None:
    (cache.root / "timings-tensorrt.cache").write_bytes(b"")
    (cache.root / "onnxruntime-nvrtx").mkdir()
    (cache.root / "letters").mkdir()
    (cache.root / "notes.txt").write_text("mine")
    assert len(run("clean", "--all")["removed"]) == 4
    assert sorted(path.name for path in cache.root.iterdir()) == ["letters", "notes.txt"]
    assert "No engines" in engines_list.render(run("list"))


def test_what_is_being_built_is_left_alone(cache: EngineCache) -> None:
    (name,) = (row["name"] for row in run("list")["engines"] if row["state"] == "unfinished")
    with file_lock(cache.root / f"{name}.lock", "it", lambda line: None):
        assert "building" in {row["state"] for row in run("list")["engines"]}
        result = run("clean", "--all")
    assert [row["name"] for row in result["busy"]] == [name]
    assert f"kept {name}: it is being built" in engines_clean.render(result)
    assert (cache.root / name).is_dir()


def test_one_of_the_two_ways_to_clean_must_be_named(
    cache: EngineCache, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run("clean")
    assert "--stale --all is required" in capsys.readouterr().err


def test_an_empty_cache_says_how_to_fill_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSEG_ENGINE_CACHE", str(tmp_path / "none"))
    assert (
        engines_list.render(run("list")).splitlines()[1].startswith("No engines: `nightseg build-e")
    )
    assert run("clean", "--stale")["removed"] == []
