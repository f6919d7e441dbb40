# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scoring any function from image to mask on a data set."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.lookup import lookup
from nightseg_ros.replay.evaluate import evaluate_drivable, evaluate_predictions, is_drivable


def perfect(image):
    return image[..., 0]


def test_a_perfect_predictor_scores_one_in_every_label_set(labelled):
    for label_set in ("cityscapes19", "joint11"):
        scores = evaluate_predictions(labelled, perfect, label_set)
        assert scores.labels.name == label_set
        assert scores.miou == 1.0
        assert scores.images == 4
        assert scores.labelled_share == pytest.approx(7 / 8)


def test_errors_within_a_joint_class_do_not_count_there(labelled):
    def swap_car_and_truck(image):
        mask = image[..., 0].copy()
        mask[image[..., 0] == 13] = 14
        mask[image[..., 0] == 14] = 13
        return mask

    assert evaluate_predictions(labelled, swap_car_and_truck, "joint11").miou == 1.0
    scores = evaluate_predictions(labelled, swap_car_and_truck, "cityscapes19")
    assert scores.iou[[13, 14]].tolist() == [0, 0]


def test_predictions_may_be_in_another_label_set(labelled):
    def joint(image):
        return lookup("cityscapes19", "joint11")[image[..., 0]]

    scores = evaluate_predictions(labelled, joint, "joint11", prediction_labels="joint11")
    assert scores.miou == 1.0


def test_every_image_is_reported(labelled):
    seen = []
    evaluate_predictions(labelled, perfect, on_sample=lambda sample: seen.append(sample.name))
    assert seen == ["0", "1", "2", "3"]


def test_a_mask_of_another_size_is_refused(labelled):
    with pytest.raises(NightsegError, match=r"predicted mask is \[4, 5\], the image \[8, 10\]"):
        evaluate_predictions(labelled, lambda image: image[::2, ::2, 0])


def test_drivable_recall(drivable, labelled):
    def road_in_the_first_columns(image):
        mask = np.full(image.shape[:2], 255, np.uint8)
        mask[:, :4] = 0
        return mask

    assert is_drivable(drivable)
    assert not is_drivable(labelled)
    scores = evaluate_drivable(drivable, road_in_the_first_columns)
    assert scores.recall == pytest.approx(4 / 5)
    assert scores.names == ("a", "b")


def test_road_is_found_by_its_name(drivable):
    def all_camvid_road(image):
        return np.full(image.shape[:2], 3, np.uint8)

    assert evaluate_drivable(drivable, all_camvid_road, prediction_labels="camvid11").recall == 1.0
    assert evaluate_drivable(drivable, all_camvid_road).recall == 0.0
