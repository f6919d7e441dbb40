# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is written can be read back: equal stamps, exact labels, the same calibration."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.drives import render_drive

from nightseg_ros.drive.render import DriveFrame
from nightseg_ros.drive.writers import IMAGE, INFO, PHASE, TRUTH, BagWriter, FolderWriter

SIZE = (96, 64)


@pytest.fixture(scope="module")
def frames() -> list[DriveFrame]:
    return list(render_drive(2, 4, SIZE, fps=30.0))


def read(path: Path) -> dict[str, list[tuple[int, object]]]:
    rosbag2 = pytest.importorskip("rosbags.rosbag2")
    typesys = pytest.importorskip("rosbags.typesys")
    types = typesys.get_typestore(typesys.Stores.ROS2_HUMBLE)
    found: dict[str, list[tuple[int, object]]] = {}
    with rosbag2.Reader(path) as reader:
        for connection, stamp, data in reader.messages():
            message = types.deserialize_cdr(data, connection.msgtype)
            found.setdefault(connection.topic, []).append((stamp, message))
    return found


@pytest.mark.parametrize("suffix", [".mcap", ".db3"])
@pytest.mark.parametrize("raw", [False, True])
def test_bag_round_trip(tmp_path: Path, frames: list[DriveFrame], suffix: str, raw: bool):
    path = tmp_path / f"drive{suffix}"
    with BagWriter(path, raw=raw) as writer:
        for frame in frames:
            writer.write(frame)
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
    bag = read(path)
    image_topic = IMAGE if raw else f"{IMAGE}/compressed"
    assert set(bag) == {image_topic, INFO, TRUTH, PHASE}
    stamps = [stamp for stamp, _ in bag[image_topic]]
    assert np.allclose(np.diff(stamps), 1e9 / 30, atol=1)
    for topic, messages in bag.items():
        assert [stamp for stamp, _ in messages] == stamps, topic
    for index, frame in enumerate(frames):
        image, info, truth = (bag[topic][index][1] for topic in (image_topic, INFO, TRUTH))
        assert image.header == info.header == truth.header
        assert image.header.stamp.sec * 10**9 + image.header.stamp.nanosec == stamps[index]
        assert truth.encoding == "mono8"
        assert np.array_equal(truth.data.reshape(64, 96), frame.labels)
        assert np.allclose(info.k, frame.camera_info["k"])
        assert (info.width, info.height) == SIZE
        assert bag[PHASE][index][1].data == frame.illumination_phase
        if raw:
            assert (image.encoding, image.step) == ("bgr8", 288)
            assert np.array_equal(image.data.reshape(64, 96, 3), frame.image_bgr)
        else:
            decoded = cv2.imdecode(image.data, cv2.IMREAD_COLOR)
            assert np.abs(decoded.astype(int) - frame.image_bgr).mean() < 6


def test_a_bag_that_was_cut_off_leaves_nothing(tmp_path: Path, frames: list[DriveFrame]):
    pytest.importorskip("rosbags.rosbag2")

    def broken_off() -> None:
        with BagWriter(tmp_path / "drive.mcap") as writer:
            writer.write(frames[0])
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        broken_off()
    assert list(tmp_path.iterdir()) == []


def test_folder_round_trip(tmp_path: Path, frames: list[DriveFrame]):
    with FolderWriter(tmp_path / "drive") as writer:
        for frame in frames:
            writer.write(frame)
    folder = tmp_path / "drive"
    with (folder / "frames.csv").open(newline="") as file:
        stored = list(csv.DictReader(file))
    assert [row["light"] for row in stored] == [frame.illumination_phase for frame in frames]
    stamps = [float(row["stamp_s"]) for row in stored]
    assert stamps == pytest.approx([frame.stamp_s for frame in frames], abs=1e-6)
    for row, frame in zip(stored, frames, strict=True):
        labels = cv2.imread(str(folder / f"labels/{row['stem']}.png"), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(labels, frame.labels)
        image = cv2.imread(str(folder / f"images/{row['stem']}.jpg"))
        assert np.abs(image.astype(int) - frame.image_bgr).mean() < 6
