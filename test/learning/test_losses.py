# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.learning.losses import class_weights, cross_entropy, focal  # noqa: E402


def scores_and_labels():
    torch.manual_seed(0)
    labels = torch.randint(0, 5, (2, 16, 24), dtype=torch.uint8)
    labels[:, :4] = 255
    return torch.randn(2, 5, 16, 24, requires_grad=True), labels


def by_hand(scores, labels, power=0.0):
    """The mean over labelled pixels, one pixel at a time."""
    losses = []
    for n in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            for x in range(labels.shape[2]):
                if labels[n, y, x] != 255:
                    p = float(scores[n, :, y, x].softmax(0)[int(labels[n, y, x])])
                    losses.append(-((1 - p) ** power) * math.log(p))
    return sum(losses) / len(losses)


def test_weights_follow_the_shares():
    weights = class_weights(torch.tensor([0.6, 0.3, 0.1, 0.0]))
    assert float(weights[0]) == 1.0
    assert list(weights) == sorted(weights)
    assert float(weights[3]) == 3.5
    expected = math.log(1.1 + 0.6) / math.log(1.1 + 0.3)
    assert float(weights[1]) == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_leaves_unlabelled_pixels_out():
    scores, labels = scores_and_labels()
    loss = cross_entropy(scores, labels, stride=1)
    assert loss.item() == pytest.approx(by_hand(scores, labels), rel=1e-4)
    loss.backward()
    assert float(scores.grad[:, :, :4].abs().max()) == 0.0


def test_cross_entropy_takes_scores_of_an_eighth():
    _, labels = scores_and_labels()
    small = torch.randn(2, 5, 2, 3, requires_grad=True)
    cross_entropy(small, labels).backward()
    assert float(small.grad.abs().sum()) > 0


def test_a_batch_without_labels_gives_no_gradient_and_no_nan():
    scores = torch.randn(1, 5, 2, 2, requires_grad=True)
    loss = cross_entropy(scores, torch.full((1, 16, 16), 255, dtype=torch.uint8))
    loss.backward()
    assert loss.item() == 0.0
    assert float(scores.grad.abs().sum()) == 0.0


def test_focal_weighs_every_pixel_before_the_mean():
    scores, labels = scores_and_labels()
    assert float(focal(scores, labels)) == pytest.approx(by_hand(scores, labels, 2.0), rel=1e-4)
    plain = float(focal(scores, labels, gamma=0.0))
    assert plain == pytest.approx(by_hand(scores, labels), rel=1e-4)
