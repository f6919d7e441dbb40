# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The report of a replay in a real browser: whole, without complaints, and its slider moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("rosbags.rosbag2")
pytest.importorskip("onnx")
from support import models as tiny
from support.browser import NARROW, WIDE, Browser, find_browser
from support.drives import render_drive

from nightseg_ros.cli.main import main
from nightseg_ros.drive.writers import BagWriter
from nightseg_ros.replay.report import write_replay_report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome on PATH"),
]
FRAMES = 12
SHOWN = "[...document.querySelectorAll('#strip1 .shot')].findIndex((shot) => !shot.hidden)"
NOW = "document.querySelector('article').style.getPropertyValue('--now')"
SLIDER = "document.querySelector('#strip1 input')"


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """A drive with ground truth, replayed over all routes."""
    folder = tmp_path_factory.mktemp("report")
    with BagWriter(folder / "d.mcap") as writer:
        for frame in render_drive(3, FRAMES, (96, 64), fps=1.0):
            writer.write(frame)
    models = tiny.models_folder(folder / "models")
    options = ["--route", "all", "--gt", "/camera/ground_truth", "--models", str(models)]
    out = folder / "out"
    bag = str(folder / "d.mcap")
    assert main(["replay", bag, "--out", str(out), "--engine", "onnxruntime-cpu", *options]) == 0
    return out / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as running:
        yield running


def check(browser: Browser) -> None:
    """Check what holds of every page."""
    assert browser.errors == []
    assert all(url.startswith(("file:", "data:")) for url in browser.requests)
    width = browser.value("document.documentElement.clientWidth")
    assert browser.value("document.documentElement.scrollWidth") <= width
    broken = "[...document.images].filter((i) => i.complete && !i.naturalWidth).length"
    assert browser.value(broken) == 0


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_it_renders_light_and_dark(report: Path, browser: Browser, size, tmp_path: Path):
    grounds = []
    for dark in (False, True):
        browser.open(report.as_uri(), size, dark=dark)
        check(browser)
        title = browser.value("document.querySelector('h1').textContent")
        assert title == "Replay of d.mcap"
        headings = browser.value("[...document.querySelectorAll('h3')].map((h) => h.textContent)")
        assert headings == [
            *("Frames", "Light and route", "Latency", "Accuracy"),
            *("Agreement between the routes", "Stability and confidence", "Trust", "What ran"),
        ]
        flat = "[...document.querySelectorAll('.area svg')].filter((s) => !s.clientWidth).length"
        assert browser.value(flat) == 0
        browser.screenshot(tmp_path / "page.png")
        picture = cv2.imread(str(tmp_path / "page.png"))
        assert len(np.unique(picture[::4, ::4] @ np.array([1, 256, 65536]))) > 100
        grounds.append(picture[2, 2].mean())
    assert grounds[0] > 200
    assert grounds[1] < 60


def test_the_slider_moves_by_keys_mouse_and_buttons(report: Path, browser: Browser):
    browser.open(report.as_uri(), WIDE)
    assert browser.value(SHOWN) == 0
    assert float(browser.value(NOW)) == 0.0
    browser.value(f"{SLIDER}.focus()")
    for _ in range(3):
        browser.key("ArrowRight", 39)
    assert browser.value(SHOWN) == 3
    assert float(browser.value(NOW)) == pytest.approx(3 / (FRAMES - 1), abs=1e-3)
    browser.key("ArrowLeft", 37)
    browser.key("End", 35)
    assert browser.value(SHOWN) == FRAMES - 1
    box = box_of(browser, SLIDER)
    browser.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert browser.value(SHOWN) in (FRAMES // 2 - 1, FRAMES // 2)
    before = browser.value(SHOWN)
    box = box_of(browser, "document.querySelectorAll('#strip1 button')[1]")
    browser.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert browser.value(SHOWN) == before + 1
    assert browser.value(f"{SLIDER}.getAttribute('aria-valuetext')") == f"{before + 1} s"
    shown = "[...document.querySelectorAll('#strip1 .shot:not([hidden]) img')]"
    assert browser.value(f"{shown}.every((i) => i.naturalWidth === 96)")
    assert browser.value(f"{shown}.length") == 6
    assert browser.errors == []


def test_the_slider_moves_by_touch(report: Path, browser: Browser):
    browser.open(report.as_uri(), NARROW)
    box = box_of(browser, SLIDER)
    middle = box["y"] + box["height"] / 2
    browser.drag_finger((box["x"] + 12, middle), (box["x"] + box["width"] - 2, middle))
    assert browser.value(SHOWN) == FRAMES - 1
    assert browser.errors == []


def test_an_address_names_a_frame(report: Path, browser: Browser):
    browser.open(f"{report.as_uri()}#strip1=5", WIDE)
    assert browser.value(SHOWN) == 5
    browser.open(f"{report.as_uri()}#strip1=nonsense", WIDE)
    assert 0 <= browser.value(SHOWN) < FRAMES
    assert browser.errors == []


def test_several_recordings_have_sliders_of_their_own(
    report: Path, browser: Browser, tmp_path: Path
):
    file = tmp_path / "all.html"
    folder = report.parent
    write_replay_report([folder, folder, tmp_path], file, failed={"bad.mcap": "no <frames>"})
    browser.open(f"{file.as_uri()}#strip2=3", WIDE)
    check(browser)
    assert browser.value(SHOWN) == 0
    assert browser.value(SHOWN.replace("strip1", "strip2")) == 3
    assert browser.value("document.querySelectorAll('article').length") == 2
    notes = browser.value("[...document.querySelectorAll('.warn')].map((n) => n.textContent)")
    assert "bad.mcap failed: no <frames>" in notes
    assert any(str(tmp_path) in note for note in notes)


def box_of(browser: Browser, element: str) -> dict[str, float]:
    browser.value(f"{element}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
    box: dict[str, float] = browser.value(f"{element}.getBoundingClientRect().toJSON()")
    return box
