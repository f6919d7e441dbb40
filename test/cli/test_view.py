# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg view` logs what becomes of bags, videos and folders; the log is a stand-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rosbags.rosbag2")
from support import bags as bags
from support import models as tiny
from support import verbs

from nightseg_ros.cli import view
from nightseg_ros.errors import NightsegError


class Log:
    """Keeps what it gets."""

    latest: Log

    def __init__(self, rerun, labels, cameras):
        assert rerun == "the library"
        self.cameras, self.frames, self.calls = cameras, [], []
        Log.latest = self

    def save(self, path):
        self.calls.append(("save", path))

    def show(self, memory):
        self.calls.append(("show", memory))

    def send(self, url):
        self.calls.append(("send", url))

    def frame(self, index, camera, stamp_ns, bgr, result):
        self.frames.append((index, camera, stamp_ns, bgr.copy(), result))

    def flush(self):
        self.calls.append(("flush",))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.calls.append(("close",))


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    return tiny.models_folder(tmp_path_factory.mktemp("models"))


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    monkeypatch.setattr(view, "load_rerun", lambda: "the library")
    monkeypatch.setattr(view, "RerunLog", Log)


def show(models: Path, *argv: Any) -> tuple[dict[str, Any], Log]:
    options = [*argv, "--models", models, "--engine", "fake"]
    return verbs.run("view", *options), Log.latest


def test_cameras_of_a_bag_are_logged_each_under_its_name(models: Path, tmp_path: Path):
    content = []
    for i in range(6):
        at = bags.stamp(i)
        content.append(("/front/image", at, bags.raw(at, bags.picture(i))))
        data = bags.jpeg_bytes(bags.picture(i, top=30))
        content.append(("/rear/image/compressed", at, bags.jpeg(at, data[: 9 if i == 2 else None])))
    bag = bags.write_bag(tmp_path / "a.mcap", content)
    result, log = show(models, bag, "--save", tmp_path / "a.rrd", "--every", 2)
    assert log.cameras == ["front__image", "rear__image"]
    assert log.calls == [("save", tmp_path / "a.rrd"), ("flush",), ("close",)]
    seen = [(camera, stamp) for _, camera, stamp, *_ in log.frames]
    even = [(name, bags.stamp(i)) for i in (0, 2, 4) for name in log.cameras]
    even.remove(("rear__image", bags.stamp(2)))
    assert seen == even
    assert (result["frames"], result["failed"], result["exit_code"]) == (5, 1, 0)
    assert np.array_equal(log.frames[0][3], bags.picture(0))
    shown = {camera: found.route for _, camera, _, _, found in log.frames}
    assert shown == {"front__image": "day", "rear__image": "night"}
    assert all(found.confidence is not None for *_, found in log.frames)
    assert "5 frames of front__image, rear__image (1 could not be read)" in view.render(result)


def test_images_of_a_folder_are_scenes_of_their_own(models: Path, tmp_path: Path):
    for i, level in enumerate((250, 5, 250)):
        assert cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((48, 64, 3), level, np.uint8))
    (tmp_path / "3.jpg").write_bytes(b"no image")
    result, log = show(models, tmp_path)
    assert log.calls[0] == ("show", "2GB")
    assert [found.route for *_, found in log.frames] == ["day", "night", "day"]
    assert [stamp for _, _, stamp, *_ in log.frames] == [0, 10**8, 2 * 10**8]
    assert (result["frames"], result["failed"]) == (3, 1)


def test_a_video_goes_by_its_own_time(models: Path, tmp_path: Path):
    file = tmp_path / "v.avi"
    video = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"MJPG"), 5.0, (64, 48))
    for i in range(4):
        video.write(bags.picture(i))
    video.release()
    result, log = show(models, file, "--connect", "rerun+http://x/proxy", "--route", "night")
    assert log.calls[0] == ("send", "rerun+http://x/proxy")
    stamps = [stamp for _, _, stamp, *_ in log.frames]
    assert stamps == [10**9 + i * 2 * 10**8 for i in range(4)]
    assert {found.route for *_, found in log.frames} == {"night"}
    assert result["frames"] == 4


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["--every", 0], "--every is 0"),
        (["--save", "a.rrd", "--connect", "x"], "exclude each other"),
        ([], "holds no image"),
    ],
)
def test_requests_that_make_no_sense_are_refused(models: Path, tmp_path: Path, argv, reason):
    with pytest.raises(NightsegError, match=reason):
        show(models, tmp_path, *argv)
