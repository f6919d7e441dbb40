# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bags of all kinds give the same frames; damaged ones give all that lies before the damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rosbags.rosbag2")
from rosbags.rosbag2 import CompressionMode
from support import bags as bags

from nightseg_ros.bags.frames import FrameReader, camera_topics, stamp_of
from nightseg_ros.bags.source import Bag
from nightseg_ros.errors import NightsegError

FRAMES = 12
KINDS = [
    ("a.mcap", None),
    ("a.db3", None),
    ("a.mcap", CompressionMode.MESSAGE),
    ("a.db3", CompressionMode.MESSAGE),
    ("a.db3", CompressionMode.FILE),
    ("a.mcap", CompressionMode.FILE),
    ("a.mcap", CompressionMode.STORAGE),
]


def pictures(count=FRAMES):
    return [
        ("/cam/image", bags.stamp(i), bags.raw(bags.stamp(i), bags.picture(i)))
        for i in range(count)
    ]


def frames_of(bag, **options):
    return list(FrameReader(bag, camera_topics(bag), **options))


@pytest.mark.parametrize(("name", "mode"), KINDS)
def test_every_storage_gives_the_same_frames(tmp_path: Path, name, mode):
    bag = Bag(bags.write_bag(tmp_path / name, pictures(), mode))
    assert (bag.topics["/cam/image"].kind, bag.topics["/cam/image"].count) == (bags.IMAGE, FRAMES)
    frames = frames_of(bag)
    assert bag.damage == ""
    assert [frame.index for frame in frames] == list(range(FRAMES))
    for index, frame in enumerate(frames):
        assert (frame.stamp_ns, frame.bag_ns) == (bags.stamp(index), bags.stamp(index))
        assert (frame.frame_id, frame.error, frame.image.order) == ("camera", "", "bgr")
        assert np.array_equal(frame.image.pixels, bags.picture(index))


def test_one_file_without_its_folder_is_a_bag_too(tmp_path: Path):
    for name in ("a.mcap", "b.db3"):
        file = bags.bag_file(bags.write_bag(tmp_path / name, pictures(3)))
        assert [f.stamp_ns for f in frames_of(Bag(file))] == [bags.stamp(i) for i in range(3)]


def test_a_folder_that_lost_its_metadata_is_read_from_its_files(tmp_path: Path):
    folder = bags.write_bag(tmp_path / "a.mcap", pictures(3))
    (folder / "metadata.yaml").unlink()
    bag = Bag(folder)
    assert len(frames_of(bag)) == 3
    assert bag.damage == ""


@pytest.mark.parametrize("suffix", [".mcap", ".db3"])
@pytest.mark.parametrize("share", [0.3, 0.55, 0.9])
def test_a_cut_file_gives_what_lies_before_the_cut(tmp_path: Path, suffix, share):
    count = 80
    folder = bags.write_bag(tmp_path / f"a{suffix}", pictures(count))
    file = bags.bag_file(folder)
    data = file.read_bytes()
    file.write_bytes(data[: int(share * len(data))])
    for path in (folder, file):
        bag = Bag(path)
        frames = frames_of(bag)
        assert share * count - 9 <= len(frames) <= share * count + 1  # a page holds some eight
        assert len(frames) == bag.topics["/cam/image"].count
        assert str(file) in bag.damage
        for index, frame in enumerate(frames):
            assert np.array_equal(frame.image.pixels, bags.picture(index))


def test_a_cut_in_a_packed_chunk_gives_the_chunks_before(tmp_path: Path):
    folder = bags.write_bag(tmp_path / "a.mcap", pictures(200), CompressionMode.STORAGE)
    file = bags.bag_file(folder)
    data = file.read_bytes()
    file.write_bytes(data[: int(0.8 * len(data))])
    bag = Bag(file)
    frames = frames_of(bag)
    assert 50 < len(frames) < 165
    assert "chunk" in bag.damage
    assert np.array_equal(frames[-1].image.pixels, bags.picture(len(frames) - 1))


def test_packed_messages_are_known_without_the_metadata(tmp_path: Path):
    folder = bags.write_bag(tmp_path / "a.db3", pictures(), CompressionMode.MESSAGE)
    (folder / "metadata.yaml").unlink()
    frames = frames_of(Bag(folder))
    assert [frame.error for frame in frames] == [""] * FRAMES
    assert np.array_equal(frames[5].image.pixels, bags.picture(5))


@pytest.mark.parametrize("suffix", [".mcap", ".db3"])
def test_a_packed_file_is_read_alone_and_up_to_a_cut(tmp_path: Path, suffix):
    folder = bags.write_bag(tmp_path / f"a{suffix}", pictures(80), CompressionMode.FILE)
    (file,) = folder.glob("*.zstd")
    assert len(frames_of(Bag(file))) == 80
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    for path in (folder, file):
        bag = Bag(path)
        frames = frames_of(bag)
        assert 20 <= len(frames) <= 41
        assert str(file) in bag.damage
        assert np.array_equal(frames[-1].image.pixels, bags.picture(len(frames) - 1))


def test_damage_in_the_middle_of_a_chunk_stops_there(tmp_path: Path):
    folder = bags.write_bag(tmp_path / "a.mcap", pictures(300), CompressionMode.STORAGE)
    file = bags.bag_file(folder)
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 300_000] = bytes(300_000)
    file.write_bytes(data)
    bag = Bag(folder)
    frames = frames_of(bag)
    assert 0 < len(frames) < 200
    assert bag.damage


def test_what_is_not_a_bag_is_refused(tmp_path: Path):
    (tmp_path / "noise.mcap").write_bytes(b"no bag at all")
    (tmp_path / "noise.db3").write_bytes(b"no bag at all")
    (tmp_path / "empty").mkdir()
    for name in ("noise.mcap", "noise.db3", "empty"):
        with pytest.raises(NightsegError, match="nothing readable"):
            Bag(tmp_path / name)
    with pytest.raises(NightsegError, match="there is no bag"):
        Bag(tmp_path / "missing")


def test_the_cameras_are_the_images_that_are_no_masks(tmp_path: Path):
    data = bags.jpeg_bytes(bags.picture(0))
    content = [
        ("/front/image/compressed", 1, bags.jpeg(1, data)),
        ("/left/image/compressed", 2, bags.jpeg(2, data)),
        ("/left/image", 2, bags.raw(2, bags.picture(0))),
        ("/segmentation_node/mask", 3, bags.raw(3, bags.picture(0)[..., 0])),
        ("/front/ground_truth", 3, bags.raw(3, bags.picture(0)[..., 0])),
        ("/depth/image_rect", 3, bags.raw(3, bags.picture(0)[..., 0])),
    ]
    bag = Bag(bags.write_bag(tmp_path / "a.mcap", content))
    assert camera_topics(bag) == ["/front/image/compressed", "/left/image"]
    assert camera_topics(bag, ["front/image", "/left/image/compressed"]) == [
        "/front/image/compressed",
        "/left/image/compressed",
    ]
    with pytest.raises(NightsegError, match=r"no images on '/right'; it has /depth/image_rect, "):
        camera_topics(bag, ["/right"])


def test_a_frame_that_does_not_decode_is_reported_and_the_rest_continues(tmp_path: Path):
    good = bags.jpeg_bytes(bags.picture(0))
    content = [("/cam/compressed", i, bags.jpeg(i, good)) for i in range(3)]
    content[1] = ("/cam/compressed", 1, bags.jpeg(1, good[:100]))
    frames = frames_of(Bag(bags.write_bag(tmp_path / "a.db3", content)))
    assert [bool(frame.error) for frame in frames] == [False, True, False]
    assert "cut off" in frames[1].error
    assert [frame.image is None for frame in frames] == [False, True, False]


@pytest.mark.parametrize("before", [True, False])
def test_truth_is_found_by_its_stamp_whichever_comes_first(tmp_path: Path, before):
    content = []
    for i in range(FRAMES):
        ids = np.full((48, 64), i, np.uint8)
        pair = [
            ("/cam/image", bags.stamp(i) + 5, bags.raw(bags.stamp(i), bags.picture(i))),
            ("/cam/labels", bags.stamp(i) + (1 if before else 9), bags.raw(bags.stamp(i), ids)),
        ]
        if i % 3 == 2:  # a frame that nobody labelled
            pair = pair[:1]
        content += sorted(pair, key=lambda item: item[1])
    bag = Bag(bags.write_bag(tmp_path / "a.mcap", content))
    frames = list(FrameReader(bag, ["/cam/image"], {"/cam/image": "/cam/labels"}))
    assert [frame.stamp_ns for frame in frames] == [bags.stamp(i) for i in range(FRAMES)]
    found = [None if frame.truth is None else int(frame.truth[0, 0]) for frame in frames]
    assert found == [None if i % 3 == 2 else i for i in range(FRAMES)]


def test_the_stamp_is_read_in_either_byte_order():
    assert stamp_of(bytes([0, 1, 0, 0]) + (7).to_bytes(4, "little") + (9).to_bytes(4, "little"))
    big = bytes([0, 0, 0, 0]) + (7).to_bytes(4, "big") + (9).to_bytes(4, "big")
    little = bytes([0, 1, 0, 0]) + (7).to_bytes(4, "little") + (9).to_bytes(4, "little")
    assert stamp_of(big) == stamp_of(little) == 7_000_000_009


@pytest.mark.parametrize(("sec", "nanosec"), [(-1, 0), (0, 10**9), (2**31 - 1, 2**32 - 1)])
def test_a_stamp_that_is_no_time_is_reported_as_the_node_reports_it(tmp_path: Path, sec, nanosec):
    content = pictures(3)
    stamp = content[1][2].header.stamp
    stamp.sec, stamp.nanosec = sec, nanosec
    frames = frames_of(Bag(bags.write_bag(tmp_path / "a.mcap", content)))
    assert [frame.error for frame in frames] == [
        "",
        f"stamp {sec} s {nanosec} ns is not a valid time",
        "",
    ]
