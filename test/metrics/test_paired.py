# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.metrics.drivable import recall
from nightseg_ros.metrics.paired import paired_figures
from nightseg_ros.metrics.scores import miou


def hits(shares: list[float]) -> np.ndarray:
    return np.array([[round(1000 * share), 1000] for share in shares])


def test_pairs_report_a_gain_that_the_frames_own_spread_would_hide():
    hard = [0.1, 0.5, 0.9, 0.3, 0.7]  # frames differ much more than models do
    ours, base = hits([x + 0.05 for x in hard]), hits(hard)
    found = paired_figures(recall, [ours], [base])
    assert found["value"] == 55.0
    assert found["high"] - found["low"] > 30
    assert found["gain"] == 5.0
    assert found["gain_low"] == pytest.approx(5.0)
    assert found["gain_high"] == pytest.approx(5.0)


def test_seeds_are_averaged_and_confusions_have_classes():
    rng = np.random.default_rng(0)
    seeds = [rng.integers(1, 50, (6, 3, 4)) for _ in range(2)]
    base = rng.integers(1, 50, (6, 3, 4))
    found = paired_figures(miou, seeds, [base, base], 200)
    values = [100 * float(miou(one.sum(axis=0))) for one in seeds]
    assert found["value"] == pytest.approx(np.mean(values), abs=0.006)
    gain = np.mean(values) - 100 * float(miou(base.sum(axis=0)))
    assert found["gain"] == pytest.approx(gain, abs=0.006)
    assert found["low"] < found["value"] < found["high"]


def test_models_scored_on_other_images_are_refused():
    with pytest.raises(NightsegError, match="same images"):
        paired_figures(recall, [hits([0.5, 0.4])], [hits([0.5])])


def test_of_one_image_no_interval_is_reported():
    found = paired_figures(recall, [hits([0.5])], [hits([0.4])])
    assert found["low"] is found["gain_high"] is None
    assert found["gain"] == 10.0
