# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg demo`: without ROS in this process, with ROS as the real thing, nothing left behind."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.patience import PATIENCE_S

pytest.importorskip("rosbags.rosbag2")

from support import bags as bags
from support import models as tiny

from nightseg_ros.cli import demo, demo_first
from nightseg_ros.cli.main import main

SHORT = ["--frames", "10", "--size", "160x96", "--engine", "fake", "--no-open"]


def run(*words) -> int:
    return main(["demo", *(str(word) for word in words)])


def result_in(out: Path) -> dict:
    return json.loads((out / "replay.json").read_text())


def night_bag(folder: Path, frames=30) -> Path:
    """Return three seconds of two cameras, of which the second in the alphabet is compressed."""
    content = []
    for index in range(frames):
        at = bags.stamp(index)
        pixels = bags.picture(index, (96, 160), 40)
        content.append(("/b/image/compressed", at, bags.jpeg(at, bags.jpeg_bytes(pixels))))
        content.append(("/a/image", at, bags.raw(at, pixels)))
    return bags.write_bag(folder / "night.mcap", content)


def test_without_ros(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "demo"
    assert run("--no-ros", *SHORT, "--out", out) == 0
    captured = capsys.readouterr()
    lines = captured.out.strip().splitlines()
    assert len(lines) == 6
    assert str(out / "report.html") in lines[-1]
    assert "mean nothing" in captured.err
    result = result_in(out)
    assert result["frames"] == 10
    assert set(result["variants"]) == {"day", "night", "auto"}
    assert result["live"] is None
    assert result["gt"] == []  # nothing to be scored where nothing was seen
    assert any("mean nothing" in note for note in result["notes"])
    text = (out / "report.html").read_text()
    assert "A drive into the night" in text
    assert f"first overlay {out / 'first.jpg'} after" in captured.err
    assert cv2.imread(str(out / "first.jpg")).shape == (96, 320, 3)
    assert "mean nothing" in text
    # A second demo replaces the first.
    assert run("--no-ros", *SHORT, "--frames", 6, "--out", out, "--json") == 0
    assert json.loads(capsys.readouterr().out)["frames"] == 6
    assert result_in(out)["frames"] == 6
    assert {path.name for path in out.iterdir()} <= set(demo.PARTS)


def test_real_models_are_used_and_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    models = tiny.models_folder(tmp_path / "models")
    options = ["--frames", 5, "--size", "160x96", "--no-open", "--models", models]
    assert run("--no-ros", *options, "--out", tmp_path / "demo") == 0
    captured = capsys.readouterr()
    assert "tiny_day (day)" in captured.out
    assert "mIoU; rendered frames predict little about real roads" in captured.out
    assert "mean nothing" not in captured.err
    result = result_in(tmp_path / "demo")
    assert set(result["variants"]) == {"day", "night", "translate", "auto"}
    assert all(0 <= v["scores"]["miou"] < 50 for v in result["variants"].values())
    report = (tmp_path / "demo" / "report.html").read_text()
    cards = report[report.index('<dl class="cards">') :]
    assert "<dt>latency of a frame</dt>" in cards
    assert "<dt>mean IoU</dt>" not in cards  # it would say little about real roads


def test_a_slow_machine_drives_fewer_frames():
    quick, slow = demo_first.Pace(0.05, 0.1), demo_first.Pace(1.0, 4.0)
    assert quick.frames(10.0) == demo_first.DRIVE_FRAMES
    assert slow.frames(10.0) == demo_first.FEWEST_FRAMES
    middling = demo_first.Pace(0.3, 1.1)
    frames = middling.frames(10.0)
    assert demo_first.FEWEST_FRAMES < frames < demo_first.DRIVE_FRAMES
    assert middling.rest_s(frames, frames / 10.0, frames) <= demo_first.BUDGET_S


def test_a_bag_of_your_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "demo"
    options = ["--no-ros", "--engine", "fake", "--no-open", "--out", out]
    bag = night_bag(tmp_path)
    assert run("--bag", bag, "--seconds", 2, "--frames", 10, *options) == 0
    error = capsys.readouterr().err
    assert "The recording has 2 cameras; this is /a/image" in error
    assert "The first 2 s were taken, 20 of 30 frames" in error
    assert "10 frames at equal distances" in error
    result = result_in(out)
    assert result["frames"] == 10
    assert result["topics"] == {"/a/image": 10}
    assert not (out / "drive.mcap").exists()
    assert run("--bag", bag, "--topic", "/b/image", *options) == 0
    assert result_in(out)["topics"] == {"/b/image/compressed": 30}


def test_a_video_of_your_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "drive.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (160, 96))
    for index in range(12):
        writer.write(np.full((96, 160, 3), 20 * index, np.uint8))
    writer.release()
    options = ["--no-ros", "--engine", "fake", "--no-open", "--out", tmp_path / "demo"]
    assert run("--video", path, *options) == 0
    assert result_in(tmp_path / "demo")["topics"] == {"/video/image": 12}
    assert "drive.avi" in (tmp_path / "demo/report.html").read_text()


def test_recordings_that_cannot_be_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "broken.mp4").write_bytes(b"no video" * 100)
    no_image = bags.write_bag(
        tmp_path / "words.mcap",
        [("/chatter", bags.stamp(0), bags.message("std_msgs/msg/String", data="hello"))],
    )
    for words, said in (
        (("--bag", tmp_path / "none.mcap"), f"there is no bag {tmp_path / 'none.mcap'}"),
        (("--video", tmp_path / "none.mp4"), f"there is no video {tmp_path / 'none.mp4'}"),
        (("--video", tmp_path / "broken.mp4"), "is not a video that OpenCV can decode"),
        (("--bag", tmp_path / "broken.mp4"), "is not a video that OpenCV can decode"),
        (("--bag", no_image), "has no camera topic"),
        (("--bag", no_image, "--topic", "/cam"), "has no images on '/cam'"),
        (("--bag", no_image, "--seconds", "0"), "--seconds is 0"),
        (("--frames", "0"), "--frames is 0"),
    ):
        options = ["--no-ros", "--engine", "fake", "--out", tmp_path / "demo"]
        assert run(*words, *options) == 2, words
        error = capsys.readouterr().err
        assert said in error
        assert "unexpected" not in error


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(("variable", "option"), [("BAG", "--bag"), ("VIDEO", "--video")])
def test_make_hands_the_recording_on(repository: Path, variable: str, option: str):
    command = ["make", "-n", "demo", f"{variable}=my drive.mcap", "ARGS=--seconds 5"]
    # These tests may run under make themselves, whose options this make must not take over.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    reported = subprocess.run(
        command, cwd=repository, env=alone, capture_output=True, text=True, check=True
    )
    last = reported.stdout.splitlines()[-1]
    assert last.split(" demo ")[1].split() == [option, '"my', 'drive.mcap"', "--seconds", "5"]


def test_other_peoples_files_are_safe(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "thesis.tex").touch()
    assert run("--no-ros", *SHORT, "--out", tmp_path) == 2
    assert "thesis.tex" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_missing_models_and_missing_ros_are_reported_with_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    out = ["--out", tmp_path / "demo"]
    assert run("--no-ros", "--frames", 5, "--models", tmp_path, *out) == 2
    assert str(tmp_path) in capsys.readouterr().err
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "rclpy" else real(name, *a)
    )
    assert run(*SHORT, *out) == 2
    error = capsys.readouterr().err
    assert "make demo" in error
    assert "--no-ros" in error


@pytest.mark.parametrize(
    ("display", "terminal", "opens"), [("", True, False), (":0", True, True), (":0", False, False)]
)
def test_report_opens_where_somebody_can_see_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, display: str, terminal: bool, opens: bool
):
    opened: list[str] = []
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(demo.sys.stdout, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(demo.webbrowser, "open", lambda url: opened.append(url) or True)
    assert demo._open(tmp_path / "report.html") == opens
    assert opened == ([(tmp_path / "report.html").as_uri()] if opens else [])


def tagged(tag: str) -> list[str]:
    """Return the command lines of living processes with this tag in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if tag.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def start(tmp_path: Path, tag: str, frames: int) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "nightseg_ros.cli.main",
        "demo",
        *SHORT,
        "--frames",
        str(frames),
    ]
    return subprocess.Popen(
        [*command, "--out", str(tmp_path / "demo")],
        env={**os.environ, "NIGHTSEG_TEST_TAG": tag},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.ros
@pytest.mark.slow
def test_whole_demo_over_ros(tmp_path: Path):
    tag = f"demo-{os.getpid()}-{time.monotonic_ns()}"
    process = start(tmp_path, tag, 12)
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    assert len(output.strip().splitlines()) == 6
    result = result_in(tmp_path / "demo")
    live = result["live"]
    assert live["summary"]["sent"] == result["frames"] == 12
    assert live["summary"]["masks"] >= 10  # a loaded machine may drop a frame, never many
    assert live["node"]["models"] == {"day": "stand_in_day", "night": "stand_in_night"}
    assert live["node"]["stages_ms"]["total"]["p50"] > 0
    assert live["runs_asked"] == 1
    assert (tmp_path / "demo/log/overlay_node.log").exists()
    assert tagged(tag) == []


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_demo_leaves_no_process(tmp_path: Path, number: signal.Signals):
    tag = f"demo-{os.getpid()}-{time.monotonic_ns()}"
    process = start(tmp_path, tag, 40)
    end_s = time.monotonic() + PATIENCE_S
    while len(tagged(tag)) < 3:  # itself and two nodes
        assert time.monotonic() < end_s
        time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, errors
    assert tagged(tag) == []
