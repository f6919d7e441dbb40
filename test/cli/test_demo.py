# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg demo`: without ROS in this process, with ROS as the real thing, nothing left behind."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from nightseg_ros.cli.main import main
from nightseg_ros.evaluation.demo_charts import light_chart
from nightseg_ros.evaluation.recorder import Recorder

SHORT = ["--frames", "10", "--size", "160x96", "--engine", "fake", "--no-open"]


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.images = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.images += tag == "img"
        values = dict(attrs)
        self.links += [str(values[key]) for key in ("src", "href") if key in values]


def check_report(out: Path, frames: int) -> dict:
    report = json.loads((out / "report.json").read_text())
    page = Page((out / "report.html").read_text())
    assert page.images >= 3
    assert all(link.startswith("data:image/") for link in page.links)
    summary = report["summary"]
    assert summary["sent"] == summary["frames"] == frames
    for frame in summary["per_frame"]:
        if frame["mask"]:
            mask = cv2.imread(str(out / frame["mask"]), cv2.IMREAD_UNCHANGED)
            assert mask.shape == (96, 160)
            assert mask.dtype == np.uint8
            assert frame["latency_ms"] > 0
    return report


def test_without_ros(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "demo"
    assert main(["demo", "--no-ros", *SHORT, "--out", str(out)]) == 0
    captured = capsys.readouterr()
    lines = captured.out.strip().splitlines()
    assert len(lines) == 6
    assert str(out / "report.html") in lines[-1]
    assert "mean nothing" in captured.err
    report = check_report(out, 10)
    assert report["summary"]["masks"] == report["summary"]["overlays"] == 10
    assert set(report["summary"]["routes"]) <= {"day", "night"}
    assert report["score"] is None  # nothing to be scored where nothing was seen
    # A second demo replaces the first.
    assert main(["demo", "--no-ros", *SHORT, "--frames", "6", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["masks"] == 6
    assert len(list((out / "masks").iterdir())) == 6


def test_real_models_are_used_and_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("onnx")
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from models_for_tests import models_folder

    models = models_folder(tmp_path / "models")
    options = ["--frames", "5", "--size", "160x96", "--no-open", "--models", str(models)]
    assert main(["demo", "--no-ros", *options, "--out", str(tmp_path / "demo"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert "tiny_day" in report["facts"]["models"]
    assert not report["warning"]
    assert set(report["score"]["miou"]) == {"all", "day", "tunnel", "dusk", "night"}
    assert 0 <= report["score"]["miou"]["all"] < 0.5


def test_other_peoples_files_are_safe(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "thesis.tex").touch()
    assert main(["demo", "--no-ros", *SHORT, "--out", str(tmp_path)]) == 2
    assert "thesis.tex" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_missing_models_and_missing_ros_are_told_with_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    out = ["--out", str(tmp_path / "demo")]
    options = ["demo", "--no-ros", "--frames", "5", "--models", str(tmp_path), *out]
    assert main(options) == 2
    assert str(tmp_path) in capsys.readouterr().err
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "rclpy" else real(name, *a)
    )
    assert main(["demo", *SHORT, *out]) == 2
    error = capsys.readouterr().err
    assert "make demo" in error
    assert "--no-ros" in error


def test_summary_counts_what_came_and_what_did_not(tmp_path: Path):
    recorder = Recorder(tmp_path, ["day", "day", "night", "night"])
    mask = np.zeros((8, 8), np.uint8)
    for index in range(4):
        recorder.sent(index, 0.5 * index)
    for index, route, ms in ((0, "day", 10.0), (2, "day", 30.0), (3, "night", 20.0)):
        recorder.mask(index, mask, ms)
        recorder.route(index, route)
    recorder.close()
    summary = recorder.summary()
    assert (summary["sent"], summary["masks"], summary["overlays"]) == (4, 3, 0)
    assert summary["route_changes"] == 1
    assert summary["latency_ms"]["p50"] == 20.0
    assert summary["masks_per_s"] == pytest.approx(2 / 1.5)
    assert summary["per_frame"][1]["mask"] is None


def test_chart_holds_every_light_and_route():
    frames = [
        {"light": light, "illumination": level, "route": route}
        for light, level, route in (
            ("day", 0.9, "day"),
            ("night", None, None),
            ("night", 0.1, "night"),
        )
    ]
    chart = light_chart(frames)
    assert chart.count("--tint-") == 2
    assert re.findall(r"fill:var\(--(day|night)\)", chart) == ["day", "night"]


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
    output, errors = process.communicate(timeout=150)
    assert process.returncode == 0, errors
    assert len(output.strip().splitlines()) == 6
    report = check_report(tmp_path / "demo", 12)
    summary = report["summary"]
    assert summary["masks"] >= 10  # a loaded machine may drop a frame, never many
    assert summary["overlays"] >= 8
    assert sum(summary["routes"].values()) >= 10
    assert "stand_in_day" in report["facts"]["models"]
    assert "12 received" in report["facts"]["frames in the node"]
    assert summary["stages_ms"]["total"]["p50"] > 0
    assert tagged(tag) == []


@pytest.mark.ros
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_demo_leaves_no_process(tmp_path: Path, number: signal.Signals):
    tag = f"demo-{os.getpid()}-{time.monotonic_ns()}"
    process = start(tmp_path, tag, 400)
    end_s = time.monotonic() + 60
    while not (tmp_path / "demo" / "drive" / "frames.csv").exists():
        assert time.monotonic() < end_s
        time.sleep(0.1)
    assert len(tagged(tag)) >= 3  # itself and two nodes
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert tagged(tag) == []
