# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A strip has few frames, evenly spread, and the same ones however often a replay was stopped."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("rosbags")

from nightseg_ros.bags.frames import BagFrame
from nightseg_ros.labels.label_set import CITYSCAPES19, label_set
from nightseg_ros.perception.frame_result import FrameResult
from nightseg_ros.perception.image_messages import DecodedImage
from nightseg_ros.replay.strip import LIMIT, Strip
from nightseg_ros.report.pictures import MARK, WIDTH, FrameViews, encoded

JOINT11 = label_set("joint11")


def frame(index: int, topic: str = "/cam") -> BagFrame:
    pixels = np.full((6, 8, 3), index % 256, np.uint8)
    return BagFrame(index, topic, index, index, image=DecodedImage(pixels, "bgr"))


def result(fill: int = 0) -> FrameResult:
    mask = np.full((6, 8), fill, np.uint8)
    return FrameResult(mask, mask, "day", "", 0.5, {})


def feed(strip: Strip, first: int, last: int, topics: tuple[str, ...] = ("/cam",)) -> None:
    for index in range(first, last):
        topic = topics[index % len(topics)]
        if strip.seen(topic, index):
            strip.write(frame(index, topic), {"day": result()})


def kept(folder: Path) -> list[int]:
    return sorted({int(file.name[:6]) for file in folder.iterdir()})


@pytest.mark.parametrize("frames", [1, 5, LIMIT, LIMIT + 1, 4 * LIMIT, 1000])
def test_few_and_evenly_spread(tmp_path: Path, frames: int):
    feed(Strip(tmp_path, ["/cam"], CITYSCAPES19), 0, frames)
    found = kept(tmp_path)
    assert min(frames, LIMIT // 2) <= len(found) <= LIMIT
    assert found[0] == 0
    assert len(set(np.diff(found))) <= 1
    assert frames - found[-1] <= max(1, 2 * frames // LIMIT + 1)


def test_every_camera_has_its_share(tmp_path: Path):
    topics = ("/a", "/b", "/c")
    feed(Strip(tmp_path, topics, CITYSCAPES19), 0, 300, topics)
    found = kept(tmp_path)
    assert len(found) <= LIMIT
    assert [sum(index % 3 == i for index in found) for i in range(3)] == [7, 7, 7]


@pytest.mark.parametrize("stop", [1, 23, 24, 25, 60, 199])
def test_a_stopped_strip_continues_as_if_it_had_not(tmp_path: Path, stop: int):
    feed(Strip(tmp_path / "whole", ["/cam"], CITYSCAPES19), 0, 200)
    feed(Strip(tmp_path / "parts", ["/cam"], CITYSCAPES19), 0, stop)
    again = Strip(tmp_path / "parts", ["/cam"], CITYSCAPES19, fresh=False)
    for index in range(stop):
        again.seen("/cam", index)
    feed(again, stop, 200)
    assert kept(tmp_path / "parts") == kept(tmp_path / "whole")


def test_a_fresh_strip_removes_the_pictures_of_another_one_only(tmp_path: Path):
    feed(Strip(tmp_path, ["/cam"], CITYSCAPES19), 0, 3)
    (tmp_path / "notes.txt").touch()
    Strip(tmp_path, ["/cam"], CITYSCAPES19)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_pictures_mark_what_differs_and_what_is_wrong():
    image = np.full((4, 6, 3), 100, np.uint8)
    day, night = np.zeros((4, 6), np.uint8), np.zeros((4, 6), np.uint8)
    night[1, 2] = 8
    truth = np.full((4, 6), 0, np.uint8)
    truth[3] = 255
    truth[0, 0] = JOINT11.names.index("vegetation")
    truth[1, 2] = JOINT11.names.index("vegetation")
    views = FrameViews(CITYSCAPES19, ("joint11", JOINT11))
    pictures = views.of(image, night, None, [day, night], truth)
    assert list(pictures) == ["image", "mask", "overlay", "disagreement", "truth", "errors"]

    def marked(name: str) -> list[list[int]]:
        return np.argwhere((pictures[name] == MARK).all(axis=-1)).tolist()

    assert marked("disagreement") == [[1, 2]]
    # Vegetation is 8 in cityscapes19 and 6 in joint11, and 255 is not counted.
    assert marked("errors") == [[0, 0]]
    assert pictures["mask"][0, 0].tolist() == list(CITYSCAPES19.labels[0].color[::-1])
    assert pictures["truth"][3, 0].tolist() == [0, 0, 0]


def test_unsure_pixels_of_the_overlay_are_hatched():
    image, mask = np.full((120, 160, 3), 100, np.uint8), np.zeros((120, 160), np.uint8)
    sure = np.full((120, 160), 200, np.uint8)
    sure[:, 80:] = 10
    views = FrameViews(CITYSCAPES19)
    plain, drawn = (views.of(image, mask, known)["overlay"] for known in (None, sure))
    changed = (plain != drawn).any(axis=2)
    assert not changed[:, :80].any()
    assert 0.1 < changed[:, 80:].mean() < 0.5


def test_wide_frames_are_scaled_and_masks_keep_their_colours():
    image = np.zeros((500, 1000, 3), np.uint8)
    mask = np.zeros((500, 1000), np.uint8)
    mask[:, 500:] = 10
    pictures = FrameViews(CITYSCAPES19).of(image, mask, mask)
    assert list(pictures) == ["image", "mask", "overlay", "confidence"]
    assert {picture.shape for picture in pictures.values()} == {(WIDTH // 2, WIDTH, 3)}
    ending, data = encoded("mask", pictures["mask"])
    assert ending == "png"
    read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    colors = {tuple(color) for color in read.reshape(-1, 3)[:, ::-1].tolist()}
    assert colors == {CITYSCAPES19.labels[0].color, CITYSCAPES19.labels[10].color}
    assert encoded("overlay", pictures["overlay"])[0] == "jpg"
