# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of random masks of which a share is right."""

from __future__ import annotations

import numpy as np

from nightseg_ros.metrics.confusion import ConfusionMatrix
from nightseg_ros.metrics.scores import Scores


def made_up_scores(images: int, right: float = 0.7, seed: int = 0) -> Scores:
    rng = np.random.default_rng(seed)
    matrix = ConfusionMatrix("joint11")
    for _ in range(images):
        truth = rng.integers(0, 5, (20, 20)).astype(np.uint8)
        truth[0] = 255
        wrong = rng.integers(0, 11, truth.shape).astype(np.uint8)
        good = rng.random(truth.shape) < rng.normal(right, 0.1)
        matrix.update(truth, np.where(good, truth, wrong))
    return matrix.compute()
