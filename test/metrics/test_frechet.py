# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Frechet distance against closed forms, scipy's matrix root and torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.metrics.frechet import (
    Gaussian,
    bias_note,
    frechet_distance,
    split_distance,
)


def pile(seed: int, count: int = 60, channels: int = 7) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(seed, 1, (count, channels)) @ rng.normal(0, 1, (channels, channels))


def test_one_number_has_a_closed_form():
    a = Gaussian(np.array([1.0]), np.array([[4.0]]), 2)
    b = Gaussian(np.array([4.0]), np.array([[25.0]]), 2)
    assert frechet_distance(a, b) == pytest.approx(3.0**2 + (5.0 - 2.0) ** 2)


def test_it_is_a_distance():
    a, b = Gaussian.of(pile(1)), Gaussian.of(pile(2))
    assert frechet_distance(a, a) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))
    assert frechet_distance(a, b) > 1.0


@pytest.mark.parametrize("count", [60, 5])
def test_it_is_what_scipys_matrix_root_gives(count):
    linalg = pytest.importorskip("scipy.linalg", reason="scipy is not installed")
    x, y = pile(1, count), pile(2, count)
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = np.real(linalg.sqrtm(a @ b))
    theirs = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * root)
    # Without full rank (5 images, 7 features), sqrtm itself is exact to some digits only.
    assert frechet_distance(Gaussian.of(x), Gaussian.of(y)) == pytest.approx(theirs, rel=1e-4)


def test_it_is_what_torchmetrics_gives():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    fid = pytest.importorskip("torchmetrics.image.fid", reason="torchmetrics is not installed")
    theirs = getattr(fid, "_compute_fid", None)
    if theirs is None:
        pytest.skip("this torchmetrics computes the distance elsewhere")
    a, b = Gaussian.of(pile(3)), Gaussian.of(pile(4))
    tensors = [torch.from_numpy(v) for v in (a.mean, a.covariance, b.mean, b.covariance)]
    assert frechet_distance(a, b) == pytest.approx(float(theirs(*tensors)), rel=1e-5)


def test_few_images_are_biased_upwards_and_reported():
    rng = np.random.default_rng(0)
    many, few = rng.normal(0, 1, (4000, 8)), rng.normal(0, 1, (24, 8))
    assert split_distance(few) > 10 * split_distance(many)
    assert bias_note((4000, 4000), 8) == ""
    assert "biased upwards" in bias_note((24, 4000), 8)
    assert "full rank" in bias_note((8, 4000), 8)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((1, 4)), "two images or more"),
        (np.zeros(4), "two images or more"),
        (np.full((3, 4), np.nan), "not finite"),
    ],
)
def test_features_that_are_none_are_refused(features, message):
    with pytest.raises(NightsegError, match=message):
        Gaussian.of(features)


def test_features_of_two_networks_are_refused():
    with pytest.raises(NightsegError, match="both with one network"):
        frechet_distance(Gaussian.of(pile(1, 9, 3)), Gaussian.of(pile(1, 9, 4)))
