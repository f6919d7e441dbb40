# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Data-set texts: taken apart, found by looking, and refused with a reason."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nightseg_ros.datasets import LAYOUTS, open_set, open_sets
from nightseg_ros.datasets.catalog import parse_spec
from nightseg_ros.errors import NightsegError


@pytest.mark.parametrize(
    ("text", "layout", "root", "split", "times"),
    [
        ("bdd10k:/d", "bdd10k", "/d", "", set()),
        ("bdd10k:/d:val", "bdd10k", "/d", "val", set()),
        ("acdc:/d:night/train", "acdc", "/d", "night/train", set()),
        ("bdd10k:/d:val@night", "bdd10k", "/d", "val", {"night"}),
        ("bdd10k:/d:val@dusk,dark", "bdd10k", "/d", "val", {"dusk", "dark"}),
        ("bdd10k:/d@day", "bdd10k", "/d", "", {"day"}),
        ("bdd10k:/d:@day", "bdd10k", "/d", "", {"day"}),
        ("/d", "", "/d", "", set()),
        ("/d:val", "", "/d", "val", set()),
        ("./d@night", "", "d", "", {"night"}),
    ],
)
def test_texts_are_taken_apart(text, layout, root, split, times):
    assert parse_spec(text) == (layout, Path(root), split, frozenset(times))


def test_a_folder_may_hold_the_signs_of_the_text(tmp_path, frame):
    odd = tmp_path / "12:30@night"
    frame(odd / "a.jpg")
    assert len(open_set(str(odd))) == len(open_set(f"unlabelled:{odd}")) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kitti:/d", "layout 'kitti' is unknown; there are acdc, "),
        ("bdd10k:/nowhere:val", "there is no folder /nowhere"),
        ("/nowhere", "there is no folder /nowhere"),
        ("bdd10k:/d@noon", "time of day 'noon' is none of day, dusk"),
    ],
)
def test_texts_that_mean_nothing(text, said):
    with pytest.raises(NightsegError, match=said):
        open_set(text)


def test_unknown_splits_name_the_known_ones(tmp_path, frame):
    frame(tmp_path / "images/10k/val/a.jpg")
    frame(tmp_path / "images/10k/test/a.jpg")
    with pytest.raises(NightsegError, match="has no split 'training'; it has test, val"):
        open_set(f"bdd10k:{tmp_path}:training")


def test_the_wrong_layout_reports_what_it_looks_for(tmp_path, frame):
    frame(tmp_path / "a.jpg")
    with pytest.raises(NightsegError, match="is not laid out as cityscapes: expected leftImg8bit"):
        open_set(f"cityscapes:{tmp_path}")


def test_times_of_day_are_measured_where_they_are_not_known(tmp_path, frame, label):
    for name, luma in (("a", 20), ("b", 150), ("c", 25)):
        frame(tmp_path / f"images/10k/val/{name}.jpg", luma)
        label(tmp_path / f"labels/sem_seg/masks/val/{name}.png", 0)
    night = open_set(f"bdd10k:{tmp_path}:val@night")
    assert [sample.name for sample in night.samples] == ["a", "c"]
    assert night.label_set == "cityscapes19"
    with pytest.raises(NightsegError, match="contains no dusk frames"):
        open_set(f"bdd10k:{tmp_path}:val@dusk")


def test_splits_are_opened_apart_or_as_one(tmp_path, frame, label):
    for split in ("train", "val"):
        frame(tmp_path / f"images/10k/{split}/{split}.jpg")
        label(tmp_path / f"labels/sem_seg/masks/{split}/{split}.png", 0)
    label(tmp_path / "labels/sem_seg/masks/val/lost.png", 0)
    assert [len(part) for part in open_sets(f"bdd10k:{tmp_path}")] == [1, 1]
    joined = open_set(f"bdd10k:{tmp_path}")
    assert [sample.split for sample in joined.samples] == ["train", "val"]
    assert len(joined.problems) == 1


def test_every_layout_explains_itself():
    for name, layout in LAYOUTS.items():
        assert layout.name == name
        assert len(layout.summary) > 20


def test_data_sets_need_no_torch(repository):
    import subprocess

    code = "import sys; import nightseg_ros.datasets; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
