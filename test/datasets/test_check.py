# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Looking at every file: counts that can be counted by hand, and every kind of bad file."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.datasets import open_set, open_sets
from nightseg_ros.datasets.check import check_samples, gather, shared_between_splits


@pytest.fixture
def findings():
    def find(spec):
        dataset = open_set(str(spec))
        return gather(dataset, check_samples(dataset))

    return find


def test_shares_sizes_and_brightness(tmp_path, frame, label, findings):
    frame(tmp_path / "images/a.jpg", 100)
    label(tmp_path / "labels/a.png", 0, 0, 0, 13)
    frame(tmp_path / "images/b.jpg", 40, size=(6, 8))
    label(tmp_path / "labels/b.png", 255, 0, size=(6, 8))
    found = findings(tmp_path)
    assert found.sizes == {"16x12": 1, "8x6": 1}
    assert found.pixels[[0, 13, 255]].tolist() == [144 + 24, 48, 24]
    assert found.holding[[0, 13, 255]].tolist() == [2, 1, 1]
    assert found.void_share == pytest.approx(24 / 240)
    assert found.class_shares()[[0, 13, 255]] == pytest.approx([168 / 216, 48 / 216, 0])
    assert np.mean(found.lumas["unknown"]) == pytest.approx(70, abs=3)
    assert (found.sizes.total(), found.problems, found.refused) == (2, [], False)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda image, label: image.write_bytes(b"x"), "not an image"),
        (lambda image, label: label.write_bytes(label.read_bytes()[:40]), "cut off"),
        (lambda image, label: label.unlink(), "has no label"),
        (lambda image, label: image.unlink(), "has no image"),
    ],
)
def test_bad_files_are_counted_and_named(tmp_path, frame, label, findings, spoil, said):
    for name in "ab":
        frame(tmp_path / f"images/{name}.jpg")
        label(tmp_path / f"labels/{name}.png", 0)
    spoil(tmp_path / "images/a.jpg", tmp_path / "labels/a.png")
    found = findings(tmp_path)
    (problem,) = found.problems
    assert said in problem
    assert (found.files, found.sizes.total(), found.refused) == (2, 1, True)


def test_illegal_ids_and_sizes_are_bad(tmp_path, frame, label, findings):
    for name in "abc":
        frame(tmp_path / f"images/{name}.jpg")
    label(tmp_path / "labels/a.png", 0, 19, 33, 255)
    label(tmp_path / "labels/b.png", 0, size=(3, 4))
    label(tmp_path / "labels/c.png", 0, 18, 255)
    first, second = findings(tmp_path).problems
    assert first.endswith("a.png: contains 19, 33, which cityscapes19 does not have")
    assert second.endswith("b.png: the label is 4x3, its image 16x12")


def test_void_ids_of_a_layout_are_legal(tmp_path, frame, label, findings):
    frame(tmp_path / "train/a.png")
    label(tmp_path / "trainannot/a.png", 0, 11)
    found = findings(f"camvid:{tmp_path}")
    assert found.problems == []
    assert found.void_share == 0.5
    assert found.class_shares().sum() == pytest.approx(1)


@pytest.mark.parametrize(("bad", "refused"), [(1, False), (2, True)])
def test_one_percent_is_the_limit(tmp_path, frame, findings, bad, refused):
    for number in range(100):
        frame(tmp_path / f"{number:03d}.jpg", size=(2, 2))
    for number in range(bad):
        (tmp_path / f"{number:03d}.jpg").write_bytes(b"x")
    assert findings(tmp_path).refused is refused


def test_drives_in_two_splits_are_noted(tmp_path, frame, label):
    for split, name in (("train", "aaaaaaaa-1"), ("val", "aaaaaaaa-2"), ("val", "bbbbbbbb-1")):
        frame(tmp_path / f"images/10k/{split}/{name}.jpg")
        label(tmp_path / f"labels/sem_seg/masks/{split}/{name}.png", 0)
    notes = shared_between_splits(open_sets(f"bdd10k:{tmp_path}"))
    assert notes == ["1 clip in train and in val: aaaaaaaa"]


def test_frames_in_two_splits_are_noted(tmp_path, frame, label):
    for split in ("train", "val"):
        frame(tmp_path / f"images/{split}/Dubai_0016.png")
        label(tmp_path / f"label/{split}/Dubai_0016_labelIds.png", 7)
    notes = shared_between_splits(open_sets(f"nightcity:{tmp_path}"))
    assert notes == ["1 name in train and in val: Dubai_0016"]
