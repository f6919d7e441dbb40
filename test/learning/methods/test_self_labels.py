# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.labels.label_set import CITYSCAPES19  # noqa: E402
from nightseg_ros.learning.methods.segmentation.self_labels import CEILING, SelfLabels  # noqa: E402

ROAD, BUILDING, PERSON = 0, 2, 11


def scores_of(*pixels: dict[int, float]) -> torch.Tensor:
    """Scores (1, 19, 1, n) whose probabilities are those given, the rest spread evenly."""
    columns = []
    for pixel in pixels:
        rest = (1 - sum(pixel.values())) / (19 - len(pixel))
        columns.append(torch.tensor([pixel.get(i, rest) for i in range(19)]).log())
    return torch.stack(columns, 1)[None, :, None]


def test_at_first_only_near_certainty_counts():
    scores = scores_of({ROAD: CEILING + 0.02}, {ROAD: CEILING - 0.05})
    ids = SelfLabels(CITYSCAPES19)(scores, (1, 2))
    assert ids[0, 0].tolist() == [ROAD, 255]


def test_the_threshold_of_a_class_follows_how_certain_it_usually_is():
    labels = SelfLabels(CITYSCAPES19)
    unsure = scores_of({PERSON: 0.8}, {ROAD: 0.99})
    assert labels(unsure, (1, 2))[0, 0].tolist() == [255, ROAD]
    for _ in range(500):
        labels(unsure, (1, 2))
    assert float(labels.confidence[PERSON]) == pytest.approx(0.8, abs=0.01)
    assert float(labels.confidence[BUILDING]) == pytest.approx(CEILING)  # was never seen
    ids = labels(scores_of({PERSON: 0.82}, {PERSON: 0.76}), (1, 2))
    assert ids[0, 0].tolist() == [PERSON, 255]


def test_background_where_a_person_may_be_stays_unlabelled():
    labels = SelfLabels(CITYSCAPES19)
    labels.confidence.fill_(0.5)
    ids = labels(scores_of({BUILDING: 0.8, PERSON: 0.18}, {BUILDING: 0.9}), (1, 2))
    assert ids[0, 0].tolist() == [255, BUILDING]
