# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.learning.losses import (  # noqa: E402
    class_weights,
    combined,
    cross_entropy,
    distillation,
)


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


def test_a_group_of_classes_costs_the_logarithm_of_the_sum_of_their_probabilities():
    scores, labels = scores_and_labels()
    labels[:, 4:] = 6  # the second group
    loss = cross_entropy(scores, labels, stride=1, groups=((0, 1), (2, 4)))
    inside = scores.softmax(1)[:, [2, 4], 4:].sum(1)
    assert loss.item() == pytest.approx(float(-inside.log().mean().detach()), rel=1e-5)


def test_labels_and_groups_share_the_mean_by_their_weights():
    scores, labels = scores_and_labels()
    labels[:, 4:10] = 5
    weights = torch.tensor([1.0, 3.0, 1.0, 2.0, 1.0])
    loss = cross_entropy(scores, labels, weights, stride=1, groups=((0, 1),))
    logs = scores.log_softmax(1)
    group = -logs[:, :2, 4:10].logsumexp(1)
    target = labels[:, 10:].long()
    single = -logs[:, :, 10:].gather(1, target[:, None])[:, 0]
    scale = weights[target]
    wanted = (2 * group.sum() + (scale * single).sum()) / (2 * group.numel() + scale.sum())
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)


@pytest.mark.parametrize(("share", "stride"), [(1, 4), (4, 4), (8, 4), (8, 2), (4, 3)])
def test_scores_meet_the_labels_of_their_own_place(share, stride):
    """The loss is least for scores whose edge lies where the edge of the labels lies."""
    size, edge = 128, 61.0
    labels = (torch.arange(size) >= edge).to(torch.uint8).expand(1, 16, size).contiguous()
    centres = (torch.arange(size // share) + 0.5) * share
    shifts = torch.arange(-2, 2.01, 0.02)
    losses = []
    for shift in shifts:
        margin = (centres - edge - shift) / 16  # straight, so that interpolation is exact
        scores = torch.stack([-margin, margin]).expand(1, 16 // min(share, 16), -1, -1)
        scores = scores.permute(0, 2, 1, 3).contiguous() * 40
        losses.append(cross_entropy(scores, labels, stride=stride).item())
    best = float(shifts[torch.tensor(losses).argmin()])
    # Labels are seen at every `stride`-th pixel: the edge lies midway between two of them.
    seen = torch.arange(stride // 2, size, stride) + 0.5
    between = (seen[seen < edge].max() + seen[seen > edge].min()) / 2
    assert best == pytest.approx(float(between - edge), abs=0.05)


def test_a_batch_without_labels_gives_no_gradient_and_no_nan():
    scores = torch.randn(1, 5, 2, 2, requires_grad=True)
    loss = cross_entropy(scores, torch.full((1, 16, 16), 255, dtype=torch.uint8))
    loss.backward()
    assert loss.item() == 0.0
    assert float(scores.grad.abs().sum()) == 0.0


def test_distillation_is_nothing_for_the_teachers_own_scores():
    teacher = torch.randn(2, 5, 8, 12)
    assert float(distillation(teacher + 3.0, teacher)) == pytest.approx(0.0, abs=1e-5)


def test_distillation_is_the_divergence_by_hand_times_the_square_of_the_temperature():
    scores, teacher = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 1.5])
    p, q = (teacher / 2).softmax(0), (scores / 2).softmax(0)
    by_hand = 4 * sum(float(a) * math.log(float(a) / float(b)) for a, b in zip(p, q, strict=True))
    maps = [values.view(1, 2, 1, 1).expand(1, 2, 4, 6) for values in (scores, teacher)]
    assert float(distillation(*maps, temperature=2.0)) == pytest.approx(by_hand, rel=1e-5)


def test_distillation_compares_at_the_size_of_the_teacher():
    scores = torch.randn(1, 5, 2, 3, requires_grad=True)
    distillation(scores, torch.randn(1, 5, 8, 12)).backward()
    assert scores.grad is not None
    assert float(scores.grad.abs().sum()) > 0


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_the_combined_loss_mixes_both_in_every_pixel(alpha):
    scores, labels = scores_and_labels()
    found = combined(scores, labels, alpha=alpha, gamma=2.0, stride=1)
    wanted = alpha * by_hand(scores, labels) + (1 - alpha) * by_hand(scores, labels, 2.0)
    assert float(found) == pytest.approx(wanted, rel=1e-4)
    weights = torch.tensor([1.0, 3.0, 0.5, 2.0, 1.0])
    weighed = combined(scores, labels, weights, alpha=1.0, stride=1)
    theirs = cross_entropy(scores, labels, weights, stride=1)
    assert float(weighed) == pytest.approx(float(theirs), rel=1e-5)


def test_the_combined_loss_of_a_batch_mean_would_be_another():
    """The focal factor belongs to the pixel: one of the mean entropy would hide the hard ones."""
    scores, labels = scores_and_labels()
    entropy = by_hand(scores, labels)
    of_the_mean = (1 - math.exp(-entropy)) ** 2 * entropy
    assert float(combined(scores, labels, alpha=0.0, stride=1)) != pytest.approx(of_the_mean, 0.02)


def test_the_combined_loss_without_a_label_is_zero():
    scores, labels = scores_and_labels()
    loss = combined(scores, torch.full_like(labels, 255))
    loss.backward()
    assert float(loss) == 0.0
    assert torch.isfinite(scores.grad).all()
