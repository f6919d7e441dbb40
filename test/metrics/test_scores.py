# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores as data, and how sure one can be of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support.made_up_scores import made_up_scores

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import label_set
from nightseg_ros.metrics.scores import MEASURES, Scores

JOINT11 = label_set("joint11")


def test_the_interval_holds_the_score_and_is_the_same_each_time():
    scores = made_up_scores(12)
    low, high = scores.interval(rounds=300, seed=1)
    assert low < scores.miou < high
    assert scores.interval(rounds=300, seed=1) == (low, high)
    assert scores.interval(rounds=300, seed=2) != (low, high)


def test_more_images_make_it_narrower_and_a_higher_level_wider():
    few, many = made_up_scores(5), made_up_scores(80)
    assert np.ptp(many.interval(rounds=300)) < np.ptp(few.interval(rounds=300))
    assert np.ptp(few.interval(rounds=300, level=0.5)) < np.ptp(few.interval(rounds=300))


def test_the_interval_is_that_of_resampled_image_lists():
    """Against the bootstrap written as a loop, with the same draws."""
    scores = made_up_scores(6)
    draws = np.random.default_rng(3).multinomial(6, [1 / 6] * 6, 50)
    values = []
    for draw in draws:
        picked = np.repeat(np.arange(6), draw)
        values.append(Scores(scores.labels, scores.per_image[picked], 0).miou)
    expected = np.quantile(values, [0.025, 0.975])
    assert scores.interval(rounds=50, seed=3) == pytest.approx(tuple(expected))


def test_equal_images_leave_no_doubt():
    one = made_up_scores(1)
    same = Scores(JOINT11, np.repeat(one.per_image, 4, axis=0), 4 * one.pixels)
    assert same.interval(rounds=20) == pytest.approx((one.miou, one.miou))


def test_one_image_gives_nothing_about_others():
    assert np.isnan(made_up_scores(1).interval()).all()


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_has_an_interval(measure):
    low, high = made_up_scores(6).interval(measure, rounds=50)
    assert 0 <= low <= high <= 1


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [({"measure": "dice"}, "'dice' is not one of miou"), ({"rounds": 0}, "0 rounds")],
)
def test_bootstraps_that_make_no_sense(kwargs, said):
    with pytest.raises(NightsegError, match=said):
        made_up_scores(3).interval(**kwargs)


def test_as_data_in_percent():
    scores = made_up_scores(8)
    data = scores.to_dict(bootstrap=50)
    assert json.loads(json.dumps(data)) == data
    assert data["label_set"] == "joint11"
    assert data["miou"] == pytest.approx(100 * scores.miou, abs=0.006)
    assert data["labelled_share"] == 95.0
    assert data["classes_present"] == 5
    assert data["miou_95"][0] < data["miou"] < data["miou_95"][1]
    assert list(data["per_class"]) == list(JOINT11.names)
    road, sky = data["per_class"]["road"], data["per_class"]["sky"]
    assert road["iou"] == pytest.approx(100 * scores.iou[0], abs=0.006)
    assert road["images"] == 8
    assert (sky["iou"], sky["recall"], sky["share"], sky["images"]) == (None, None, 0.0, 0)
    shares = [row["share"] for row in data["per_class"].values()]
    assert sum(shares) == pytest.approx(100, abs=0.1)
