# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Videos as bags, excerpts of bags, and films made ready to be played."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("rosbags.rosbag2")

from support import bags as bags

from nightseg_ros.bags.cdr_images import stamp_of, with_stamp
from nightseg_ros.bags.frames import FrameReader, camera_topics
from nightseg_ros.bags.source import Bag, Excerpt
from nightseg_ros.bags.video import TOPIC, VideoBag, open_recording
from nightseg_ros.errors import NightsegError
from nightseg_ros.trials.live.film import Film

CAMERA = "/cam/image"
JPEGS = "/jpeg/image/compressed"


def video(path: Path, frames=6, hz=5.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), hz, (64, 48))
    assert writer.isOpened()
    for index in range(frames):
        writer.write(np.full((48, 64, 3), 40 * index, np.uint8))
    writer.release()
    return path


def two_cameras(folder: Path, frames=10) -> Bag:
    """Return a bag with a raw camera at 10 Hz and, half a period later, a JPEG one."""
    content = []
    for index in range(frames):
        at = bags.stamp(index)
        content.append((CAMERA, at, bags.raw(at, bags.picture(index))))
        late = at + bags.STEP_NS // 2
        content.append((JPEGS, late, bags.jpeg(late, bags.jpeg_bytes(bags.picture(index)))))
    return Bag(bags.write_bag(folder / "two.mcap", content))


def test_video_reads_like_a_bag(tmp_path):
    path = video(tmp_path / "drive.avi")
    bag = open_recording(path)
    assert isinstance(bag, VideoBag)
    assert camera_topics(bag) == [TOPIC]
    frames = list(FrameReader(bag, [TOPIC]))
    assert [frame.stamp_ns for frame in frames] == [10**9 + i * 200_000_000 for i in range(6)]
    capture = cv2.VideoCapture(str(path))
    for frame in frames:
        np.testing.assert_array_equal(frame.image.pixels, capture.read()[1])
    assert bag.damage == ""
    assert list(bag.messages(["/other"])) == []


def test_broken_videos_are_named(tmp_path):
    with pytest.raises(NightsegError, match="there is no video"):
        VideoBag(tmp_path / "no.mp4")
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(NightsegError, match=r"text\.mp4 is not a video"):
        open_recording(tmp_path / "text.mp4")


def test_a_video_that_ends_early_reports_it(tmp_path, monkeypatch):
    bag = VideoBag(video(tmp_path / "drive.avi"))
    monkeypatch.setattr(bag, "_count", 60)
    assert len(list(bag.messages([TOPIC]))) == 6
    assert "6 of 60 frames" in bag.damage


def test_excerpt_is_the_beginning_of_chosen_cameras(tmp_path):
    whole = two_cameras(tmp_path)
    part = Excerpt(whole, [CAMERA], seconds=0.5)
    assert list(part.topics) == [CAMERA]
    assert (part.frames, part.span_s) == (5, pytest.approx(0.4))
    assert [m.bag_ns for m in part.messages([CAMERA, JPEGS])] == [bags.stamp(i) for i in range(5)]
    both = Excerpt(whole, [CAMERA, JPEGS])
    assert both.frames == 20
    thin = both.thinned(6)
    read = list(thin.messages([CAMERA, JPEGS]))
    assert len(read) == thin.frames == 6
    assert [m.bag_ns for m in read if m.topic == CAMERA] == [bags.stamp(i) for i in (0, 4, 8)]
    assert both.frames == 20  # the thick one is as it was


def test_excerpt_hands_on_damage(tmp_path):
    path = bags.bag_file(two_cameras(tmp_path, 40).path)
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    part = Excerpt(Bag(cut), [CAMERA])
    list(part.messages([CAMERA]))
    assert "cut off" in part.damage
    short = Excerpt(Bag(cut), [CAMERA], seconds=0.25)
    assert len(list(short.messages([CAMERA]))) == 3
    assert short.damage == ""  # it ended before that


def test_film_plays_messages_as_they_were_recorded(tmp_path):
    bag = two_cameras(tmp_path)
    film = Film(bag, [CAMERA])
    assert (film.loaded, film.compressed, film.frames) == (True, False, 10)
    assert film.hz == pytest.approx(10.0)
    played = list(film)
    assert [frame.due_s for frame in played] == pytest.approx([0.1 * i for i in range(10)])
    assert [frame.data for frame in played] == [m.data for m in bag.messages([CAMERA])]
    assert Film(bag, [JPEGS]).compressed


def test_film_decodes_where_raw_is_asked_for_or_kinds_are_mixed(tmp_path):
    bag = two_cameras(tmp_path, 3)
    alone = Film(bag, [JPEGS], "raw")
    assert not alone.compressed
    mixed = Film(bag, [CAMERA, JPEGS])
    assert not mixed.compressed
    assert [frame.camera for frame in mixed] == [0, 1] * 3
    for film, camera in ((alone, 0), (mixed, 1)):
        datas = [frame.data for frame in film if frame.camera == camera]
        for data, frame in zip(datas, FrameReader(bag, [JPEGS]), strict=True):
            message = bags.TYPES.deserialize_cdr(data, bags.IMAGE)
            pixels = message.data.reshape(message.height, message.width, 3)
            np.testing.assert_array_equal(pixels, frame.image.pixels)


def test_a_long_film_is_read_as_it_is_played(tmp_path):
    bag = two_cameras(tmp_path)
    short = Film(bag, [CAMERA])
    long = Film(bag, [CAMERA], loaded_bytes=20_000)
    assert not long.loaded
    assert long.frames == 10
    assert long.hz == pytest.approx(10.0)
    assert list(long) == list(short) == list(long)
    assert long.head(4) == short.head(4)
    assert 1 <= len(long.head(limit_bytes=20_000)) < 10


def test_films_that_cannot_be_played(tmp_path):
    at = bags.stamp(0)
    bag = Bag(
        bags.write_bag(
            tmp_path / "bad.mcap",
            [(JPEGS, at, bags.jpeg(at, np.zeros(30, np.uint8)))],
        )
    )
    with pytest.raises(NightsegError, match="no frame to play"):
        Film(bag, [JPEGS], "raw")
    assert Film(bag, [JPEGS]).frames == 1  # the node will report it


@pytest.mark.parametrize("stamp_ns", [0, 1, 4_000_000_001, bags.START_NS + 999_999_999])
def test_a_new_stamp_changes_nothing_else(stamp_ns):
    message = bags.raw(bags.stamp(3), bags.picture(3))
    data = bytes(bags.TYPES.serialize_cdr(message, bags.IMAGE))
    changed = with_stamp(data, stamp_ns)
    assert stamp_of(changed) == stamp_ns
    again = bags.TYPES.deserialize_cdr(changed, bags.IMAGE)
    assert again.header.frame_id == "camera"
    np.testing.assert_array_equal(again.data, message.data)
    assert with_stamp(changed, bags.stamp(3)) == data
