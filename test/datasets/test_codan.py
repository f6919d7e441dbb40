# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from support.pictures import make_pictures

from nightseg_ros.datasets.catalog import open_set
from nightseg_ros.datasets.codan import open_split, to_square
from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.day_only import require_day_only


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_pictures(tmp_path_factory.mktemp("codan"), {"train": 1.0, "test_night": 0.1})


def test_classes_are_the_folders_by_name(folder):
    train = open_split(folder, "train")
    assert train.classes == ("kind_0", "kind_1", "kind_2")
    assert len(train) == 18
    images, labels = train.load(32)
    assert (images.shape, images.dtype) == ((18, 32, 32, 3), np.uint8)
    assert labels.tolist() == [0] * 6 + [1] * 6 + [2] * 6
    night, _ = open_split(folder, "test_night", train.classes).load(32)
    assert night.mean() < 0.2 * images.mean()


def test_the_middle_square_is_taken():
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, 30:70] = 200
    assert (to_square(image, 20) == 200).all()


def test_the_layout_distinguishes_day_and_night_by_the_split(folder):
    day = open_set(f"codan:{folder}:train")
    assert len(day) == 18
    require_day_only([day])
    with pytest.raises(NightsegError, match="is of night"):
        require_day_only([open_set(f"codan:{folder}:test_night")])


def test_what_is_missing_is_named(folder, tmp_path):
    with pytest.raises(NightsegError, match=r"no split 'val'; it has test_night, train"):
        open_split(folder, "val")
    with pytest.raises(NightsegError, match="class 'kind_2' is none of kind_0, kind_1"):
        open_split(folder, "train", ("kind_0", "kind_1"))
    (tmp_path / "train" / "cat").mkdir(parents=True)
    with pytest.raises(NightsegError, match="contains no pictures"):
        open_split(tmp_path, "train")
