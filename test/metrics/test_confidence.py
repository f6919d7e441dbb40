# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a confidence is worth, against torchmetrics, sorted pixels, and the rules pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import Label, LabelSet
from nightseg_ros.labels.lookup import lookup
from nightseg_ros.metrics.confidence import COVERAGES, ConfidenceCounts, summed

THREE = LabelSet("three", tuple(Label(i, n, (i, 0, 0)) for i, n in enumerate("abc")))


@pytest.fixture(scope="module")
def pixels():
    """Return truth, mask, confidence and invalid of two images; 255 and misses among them."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, (2, 40, 50)).astype(np.uint8)
    mask = np.where(rng.random(truth.shape) < 0.7, truth, rng.integers(0, 4, truth.shape))
    truth[rng.random(truth.shape) < 0.1] = 255
    mask = np.where(mask == 3, 255, mask).astype(np.uint8)
    sure = np.clip(rng.normal(0.5 + 0.3 * (truth == mask), 0.2), 0, 0.999)
    return truth, mask, (sure * 255).astype(np.uint8), rng.random(truth.shape) < 0.3


def counted(pixels, *, invalid=False):
    counts = ConfidenceCounts(THREE)
    for truth, mask, confidence, unsure in zip(*pixels, strict=True):
        counts.update(truth, mask, confidence, unsure if invalid else None)
    return counts.compute()


def labelled(pixels):
    """Return confidence (0 to 1) and whether it is right, of each labelled pixel."""
    truth, mask, confidence, _ = pixels
    there = truth != 255
    return confidence[there] / 255, (truth == mask)[there]


def test_ece_agrees_with_torchmetrics(pixels):
    torch = pytest.importorskip("torch")
    metric = pytest.importorskip("torchmetrics.classification").BinaryCalibrationError(n_bins=15)
    confidence, right = labelled(pixels)
    # Nudged off the borders of the bins, which are floats there.
    nudged = torch.tensor(confidence + 1e-6, dtype=torch.float64)
    # It takes a binary probability for the confidence where the class is 1, as all are here.
    theirs = metric(nudged, torch.tensor(right.astype(int)))
    assert counted(pixels).reliability.ece == pytest.approx(float(theirs), abs=1e-5)


def test_bins_agree_with_scikit_learn(pixels):
    curve = pytest.importorskip("sklearn.calibration").calibration_curve
    confidence, right = labelled(pixels)
    accuracy, mean = curve(right, confidence + 1e-9, n_bins=15)
    bins = counted(pixels).reliability.bins()
    assert [row[0] for row in bins] == pytest.approx(mean.tolist(), abs=1e-6)
    assert [row[1] for row in bins] == pytest.approx(accuracy.tolist())
    assert sum(row[2] for row in bins) == pytest.approx(1.0)


def sparsified(confidence, right):
    """Return the error of the most confident part of sorted pixels, for each coverage."""
    # Equal confidences are shuffled and averaged, instead of the formula.
    rng = np.random.default_rng(0)
    curves = []
    for _ in range(30):
        order = np.lexsort((rng.random(len(right)), -confidence))
        wrong = (~right[order]).cumsum()
        curves.append([wrong[round(c * len(right)) - 1] / round(c * len(right)) for c in COVERAGES])
    return np.mean(curves, axis=0)


def test_risk_and_ause_agree_with_sorted_pixels(pixels):
    confidence, right = labelled(pixels)
    reliability = counted(pixels).reliability
    risk = sparsified(confidence, right)
    assert reliability.risk(COVERAGES) == pytest.approx(risk, abs=4e-3)
    best = sparsified(right.astype(float), right)
    area = sum((risk - best)[:-1] + (risk - best)[1:]) / 200
    assert reliability.ause == pytest.approx(area / (~right).mean(), abs=5e-3)
    assert reliability.error == pytest.approx((~right).mean())
    assert reliability.risk(1.0) == pytest.approx((~right).mean())


def test_the_order_of_confidences_decides_the_risk_and_their_values_the_ece():
    right = np.arange(100) >= 20
    truth = np.zeros((10, 10), np.uint8)
    mask = np.where(right, 0, 1).astype(np.uint8).reshape(10, 10)
    oracle, flat, wrong = ConfidenceCounts(THREE), ConfidenceCounts(THREE), ConfidenceCounts(THREE)
    oracle.update(truth, mask, np.where(mask == 0, 255, 0).astype(np.uint8))
    flat.update(truth, mask, np.full((10, 10), 204, np.uint8))
    wrong.update(truth, mask, np.full((10, 10), 255, np.uint8))
    found = [counts.compute().reliability for counts in (oracle, flat, wrong)]
    assert [one.ece for one in found] == pytest.approx([0.0, 0.0, 0.2])
    assert [float(one.risk(0.8)) for one in found] == pytest.approx([0.0, 0.2, 0.2])
    assert found[0].ause == pytest.approx(0.0)
    assert found[1].ause == found[2].ause > 0.5


def uiou_by_the_rules(pixels, threshold):
    """Return the mean UIoU, pixel by pixel."""
    tally = {name: np.zeros(3) for name in ("TP", "FP", "FN", "TI", "FI")}
    for truth, mask, confidence, unsure in zip(*(x.ravel() for x in pixels), strict=True):
        if truth == 255:
            continue
        if confidence / 255 < threshold:
            tally["TI" if unsure else "FI"][truth] += 1
        elif truth == mask:
            tally["TP"][truth] += 1
        else:
            tally["FN"][truth] += 1
            if mask < 3:
                tally["FP"][mask] += 1
    return float(((tally["TP"] + tally["TI"]) / sum(tally.values())).mean())


@pytest.mark.parametrize("least", [0, 100, 180, 255])
def test_uiou_follows_the_rules(pixels, least):
    expected = uiou_by_the_rules(pixels, least / 255)
    assert counted(pixels, invalid=True).uiou(least) == pytest.approx(expected)


def test_uiou_rewards_dropping_what_is_invalid(pixels):
    scores = counted(pixels)
    assert scores.uiou(255) == 0.0  # nothing is invalid, and everything is dropped
    assert scores.best_uiou[0] == max(scores.uiou(least) for least in range(256))
    truth, mask, _, _ = pixels
    unsure = truth != mask
    knowing = counted(
        (truth, mask, np.where(unsure, 0, 255).astype(np.uint8), unsure), invalid=True
    )
    assert knowing.best_uiou[0] == 1.0
    assert knowing.average_uiou == 1.0
    assert knowing.to_dict()["invalid"] == pytest.approx(
        100 * unsure[truth != 255].mean(), abs=0.01
    )


def test_masks_of_another_set_are_mapped():
    counts = ConfidenceCounts("joint11", "cityscapes19")
    mask = np.array([[0, 13, 15, 255]], np.uint8)  # road, car and bus (both vehicle), nothing
    truth = np.array([[0, 0, 0, 0]], np.uint8)
    truth[0, 1:3] = lookup("cityscapes19", "joint11")[13]
    counts.update(truth, mask, np.full((1, 4), 200, np.uint8))
    assert counts.compute().reliability.counts[200].tolist() == [1, 3]


def test_counts_add_up(pixels):
    one = counted(pixels).reliability
    assert summed([one.counts, one.counts]).ece == pytest.approx(one.ece)
    assert summed([one.counts[200:], one.counts[:0]]).counts[200:].tolist() == (
        one.counts[200:].tolist()
    )


def test_maps_of_different_sizes_are_refused():
    truth = np.zeros((2, 2), np.uint8)
    with pytest.raises(NightsegError, match=r"truth is \[2, 2\], mask \[2, 2\], confidence \[3\]"):
        ConfidenceCounts(THREE).update(truth, truth, np.zeros(3, np.uint8))
