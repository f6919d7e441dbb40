# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""BDD10K by night: by a list, by the attributes of BDD100K, and UNDD."""

from __future__ import annotations

import json

import pytest

from nightseg_ros.datasets import open_set
from nightseg_ros.errors import NightsegError

FRAMES = 3


@pytest.fixture
def bdd(tmp_path, frame, label):
    for split in ("train", "val"):
        for index in range(FRAMES):
            frame(tmp_path / f"images/10k/{split}/{named(split, index)}.jpg")
            label(tmp_path / f"labels/sem_seg/masks/{split}/{named(split, index)}.png", 0, 13)
    return tmp_path


def named(split: str, index: int) -> str:
    return f"{split[0]}{index}06fefd-f7be05a6"


def attributes(*times: str, split: str = "val") -> list[dict]:
    return [
        {"name": f"{named(split, index)}.jpg", "attributes": {"timeofday": time}}
        for index, time in enumerate(times)
    ]


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    "place", ["labels/bdd100k_labels_images_train.json", "labels/det_20/det_val.json"]
)
def test_attributes_report_which_frames_are_night(bdd, place, wrapped):
    frames = attributes("daytime", "night", "dawn/dusk")
    frames.append({"name": "elsewhere.jpg", "attributes": {"timeofday": "night"}})
    frames.append({"name": "bare.jpg", "attributes": None})
    (bdd / place).parent.mkdir(parents=True, exist_ok=True)
    (bdd / place).write_text(json.dumps({"frames": frames} if wrapped else frames))
    dataset = open_set(f"bdd_night:{bdd}:val")
    (sample,) = dataset.samples
    assert (sample.name, sample.time_of_day, sample.clip) == (named("val", 1), "night", "v106fefd")
    assert dataset.load_label(sample)[0, :2].tolist() == [0, 13]
    assert not dataset.problems
    assert len(open_set(f"bdd_night:{bdd}:val@night")) == 1


def test_a_list_is_believed_before_attributes(bdd):
    (bdd / "det_val.json").write_text(json.dumps(attributes("night", "night", "night")))
    (bdd / "val_night.txt").write_text(f"# looked through\nval/{named('val', 2)}.jpg\n\n")
    assert [s.name for s in open_set(f"bdd_night:{bdd}:val").samples] == [named("val", 2)]
    with pytest.raises(NightsegError, match="names no night frame"):
        open_set(f"bdd_night:{bdd}:train")


def test_one_list_for_all_splits(bdd):
    (bdd / "night.txt").write_text(f"{named('val', 0)}\n{named('train', 1)}\n")
    assert len(open_set(f"bdd_night:{bdd}")) == 2
    assert [s.name for s in open_set(f"bdd_night:{bdd}:train").samples] == [named("train", 1)]


def test_a_night_frame_without_a_label_is_reported(bdd):
    (bdd / "night.txt").write_text(f"{named('val', 0)}\n{named('val', 1)}\n")
    for index in (0, 2):
        (bdd / f"labels/sem_seg/masks/val/{named('val', index)}.png").unlink()
    dataset = open_set(f"bdd_night:{bdd}:val")
    assert [s.name for s in dataset.samples] == [named("val", 1)]
    (problem,) = dataset.problems
    assert named("val", 0) in problem


def test_without_list_and_attributes_it_is_another_layout(bdd):
    with pytest.raises(NightsegError, match=r"night\.txt or SPLIT_night\.txt"):
        open_set(f"bdd_night:{bdd}:val")
    assert open_set(str(bdd) + ":val").layout == "bdd10k"


@pytest.mark.parametrize(("text", "message"), [("{", "is not JSON"), ("3", "no list of frames")])
def test_bad_attributes_are_named(bdd, text, message):
    (bdd / "det_val.json").write_text(text)
    with pytest.raises(NightsegError, match=message):
        open_set(f"bdd_night:{bdd}:val")


def test_undd_knows_its_times_and_its_unlabelled_part(tmp_path, frame, label):
    frame(tmp_path / "images/night/a.jpg")
    label(tmp_path / "labels/night/a_labelIds.png", 7)
    frame(tmp_path / "images/day/b.jpg", luma=200)
    night = open_set(f"undd:{tmp_path}:night")
    assert (night.samples[0].time_of_day, night.label_set) == ("night", "cityscapes_ids")
    assert night.load_label(night.samples[0]).max() == 0
    day = open_set(f"undd:{tmp_path}:day")
    assert (day.samples[0].time_of_day, day.label_set) == ("day", None)


def test_undd_in_one_part_is_night(tmp_path, frame, label):
    frame(tmp_path / "images/a.jpg")
    label(tmp_path / "labels/a.png", 7)
    assert open_set(f"undd:{tmp_path}").samples[0].time_of_day == "night"
    assert len(open_set(f"undd:{tmp_path}@night")) == 1
