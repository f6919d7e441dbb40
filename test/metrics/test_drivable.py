# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recall of the road inside drivable masks."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.metrics.drivable import DrivableRecall, drivable_recall, render_recall


@pytest.fixture
def two_images():
    """Return the recall of an image with 9 of 10 found, and one with 0 of 2."""
    drivable = np.ones((2, 5), bool)
    road = drivable.copy()
    road[0, 0] = False
    few = np.zeros((2, 5), bool)
    few[0, :2] = True
    return DrivableRecall().update(road, drivable, "good").update(~few, few, "bad").compute()


def test_recall_is_over_all_pixels(two_images):
    assert two_images.recall == pytest.approx(9 / 12)
    assert two_images.image_recalls == pytest.approx([0.9, 0.0])


def test_road_outside_the_mask_does_not_count():
    drivable = np.eye(4, dtype=bool)
    assert drivable_recall(np.ones((4, 4), bool), drivable) == 1.0
    assert drivable_recall(~drivable, drivable) == 0.0


def test_nothing_drivable_is_no_figure():
    empty = np.zeros((2, 2), bool)
    assert np.isnan(drivable_recall(empty, empty))
    scores = DrivableRecall().update(empty, empty, "a").compute().to_dict(bootstrap=10)
    assert scores["drivable_recall"] is None
    assert scores["worst"] == {}
    assert render_recall(scores).startswith("drivable recall  -\n")


def test_as_data_and_text(two_images):
    scores = two_images.to_dict(bootstrap=200)
    assert json.loads(json.dumps(scores)) == scores
    assert (scores["drivable_recall"], scores["mean_over_images"]) == (75.0, 45.0)
    assert list(scores["worst"].items()) == [("bad", 0.0), ("good", 90.0)]
    assert scores["drivable_recall_95"] == [0.0, 90.0]
    text = render_recall(scores)
    assert "drivable recall  75.0  (95 % over images: 0.0 to 90.0)" in text
    assert "worst            bad 0.0, good 90.0" in text


@pytest.mark.parametrize(
    ("road", "drivable", "said"),
    [
        (np.zeros((2, 2), bool), np.zeros((2, 3), bool), "same size"),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 2), bool), "road mask is uint8"),
    ],
)
def test_masks_that_cannot_be_scored(road, drivable, said):
    with pytest.raises(NightsegError, match=said):
        DrivableRecall().update(road, drivable)


def test_no_image_is_no_score():
    with pytest.raises(NightsegError, match="no image was counted"):
        DrivableRecall().compute()
