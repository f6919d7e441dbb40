# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Mask files against ground truth: which file belongs to which, and in which label set."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.replay.score_folders import (
    frame_name,
    open_truth,
    pair_masks,
    score_masks,
    scored_set,
)


def write(path, *ids):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.atleast_2d(np.array(ids, np.uint8)))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.png", "a"),
        ("x/lindau_000000_000019_gtFine_labelIds.png", "lindau_000000_000019"),
        ("lindau_000000_000019_leftImg8bit.png", "lindau_000000_000019"),
        ("GOPR0356_frame_000321_gt_labelTrainIds.png", "GOPR0356_frame_000321"),
        ("GOPR0356_frame_000321_rgb_anon.png", "GOPR0356_frame_000321"),
        ("Chicago_0010_labelIds.png", "Chicago_0010"),
        ("0004a4c0-d4dff0ad_train_id.png", "0004a4c0-d4dff0ad"),
        ("0_frame_0205_gtCoarse_labelIds.png", "0_frame_0205"),
    ],
)
def test_frames_are_found_by_name(file, name):
    assert frame_name(file) == name


def test_only_the_label_files_of_a_folder_are_truth(tmp_path):
    for ending, ids in (("labelIds", (7, 23)), ("instanceIds", (1, 1)), ("color", (9, 9))):
        write(tmp_path / f"gt/zurich/a_gtFine_{ending}.png", *ids)
    write(tmp_path / "pred/a_leftImg8bit.png", 0, 10)
    truth = open_truth(str(tmp_path / "gt"), "cityscapes_ids")
    pairs = pair_masks(truth, tmp_path / "pred")
    assert len(pairs) == 1
    assert score_masks(truth, pairs, "cityscapes19", "cityscapes19").miou == 1.0


def test_a_data_set_can_be_the_truth(tmp_path, labelled):
    for sample in labelled.samples:
        mask = labelled.load_label(sample)
        write(tmp_path / f"pred/{sample.name}.png", *np.where(mask == 255, 0, mask))
    truth = open_truth(f"folder:{tmp_path}/set", "")
    pairs = pair_masks(truth, tmp_path / "pred")
    scores = score_masks(truth, pairs, "joint11", "cityscapes19")
    assert (scores.images, scores.miou) == (4, 1.0)


def test_missing_predictions_are_named(tmp_path):
    for name in "abc":
        write(tmp_path / f"gt/{name}.png", 0)
    write(tmp_path / "pred/b.png", 0)
    truth = open_truth(str(tmp_path / "gt"), "cityscapes19")
    with pytest.raises(NightsegError, match=r"lacks 2 of 3 predictions \(a, c\)"):
        pair_masks(truth, tmp_path / "pred")


def test_two_predictions_for_a_frame_are_refused(tmp_path):
    write(tmp_path / "gt/a.png", 0)
    write(tmp_path / "pred/a.png", 0)
    write(tmp_path / "pred/x/a_leftImg8bit.png", 0)
    truth = open_truth(str(tmp_path / "gt"), "cityscapes19")
    with pytest.raises(NightsegError, match="two files for the frame 'a'"):
        pair_masks(truth, tmp_path / "pred")


def test_an_unlabelled_set_is_no_truth(tmp_path):
    write(tmp_path / "a.png", 0)
    with pytest.raises(NightsegError, match="is unlabelled"):
        pair_masks(open_truth(f"unlabelled:{tmp_path}", ""), tmp_path)


@pytest.mark.parametrize(
    ("truth", "prediction", "expected"),
    [
        ("cityscapes19", "cityscapes19", "cityscapes19"),
        ("cityscapes_ids", "cityscapes_ids", "cityscapes19"),
        ("cityscapes_ids", "cityscapes19", "cityscapes19"),
        ("camvid11", "camvid11", "camvid11"),
        ("camvid11", "cityscapes19", "cityscapes19"),
        ("cityscapes19", "joint11", "joint11"),
        ("vistas_v2.0", "vistas_v2.0", "cityscapes19"),
    ],
)
def test_the_finest_common_label_set(truth, prediction, expected):
    assert scored_set(truth, prediction).name == expected


def test_sets_without_common_classes_are_refused():
    with pytest.raises(NightsegError, match="no label set has both"):
        scored_set("drivable", "cityscapes19")


@pytest.mark.parametrize(
    ("gt", "said"), [("nowhere", "there is no folder"), (".", r"contains no \.png files")]
)
def test_no_truth(tmp_path, gt, said):
    with pytest.raises(NightsegError, match=said):
        open_truth(str(tmp_path / gt), "cityscapes19")
