# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg drive` writes what it says, and says what it cannot write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nightseg_ros.cli.main import main

SHORT = ["--frames", "3", "--size", "64x48"]


def test_folder_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "drive"
    assert main(["drive", *SHORT, "--seed", "3", "--out", str(out), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["frames"], result["size"], result["seed"]) == (3, "64x48", 3)
    assert sum(result["light"].values()) == 3
    assert len(list((out / "images").glob("*.jpg"))) == 3
    assert len(list((out / "labels").glob("*.png"))) == 3
    assert json.loads((out / "camera_info.json").read_text())["width"] == 64


def test_bag_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("rosbags.rosbag2")
    out = tmp_path / "drive.mcap"
    assert main(["drive", *SHORT, "--out", str(out)]) == 0
    assert out.stat().st_size > 1000
    assert capsys.readouterr().out.startswith(f"{out}: 3 frames (2 day, 1 night), ")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--out", "drive.avi"], ".mcap"),
        (["--out", "there"], "there already"),
        (["--out", "drive", "--raw"], "--raw"),
        (["--out", "drive", "--frames", "0"], "0 frames"),
        (["--out", "drive", "--size", "10x10"], "10x10"),
    ],
)
def test_faults_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    word: str,
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    assert main(["drive", *SHORT, *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert word in captured.err
    assert len(captured.err.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]
