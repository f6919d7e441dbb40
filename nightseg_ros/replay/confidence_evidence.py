# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a model over labelled frames and their night copies, to see what its confidence is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.labels.lookup import lookup
from nightseg_ros.perception.novelty import features_of_confidence, features_of_light
from nightseg_ros.replay.confidence_fit import Evidence, count
from nightseg_ros.replay.routing_fit import darkened

if TYPE_CHECKING:
    from nightseg_ros.datasets import DrivingSet, Sample
    from nightseg_ros.labels.label_set import LabelSet
    from nightseg_ros.perception.pipeline import Pipeline

Image = NDArray[np.uint8]
Relight = Callable[[Image, Image, "LabelSet", int], Image]
"""From RGB, labels, their classes, and a seed."""
RELIT = 2
"""Relit copies of a frame."""


def gather(
    pipeline: Pipeline,
    labels: LabelSet,
    sets: Sequence[DrivingSet],
    truth_labels: LabelSet,
    *,
    exposures: Sequence[float],
    relight: Relight | None,
    on_sample: Callable[[Sample], object],
) -> list[Evidence]:
    """Return the evidence of all frames, and of copies of those that are not of the night."""
    to_truth = lookup(labels, truth_labels)
    found = []
    for part in sets:
        data = part.name.rpartition(":")[2]
        for number, (sample, image, truth) in enumerate(part.load_all(truth_labels, max_bad=0.0)):
            assert truth is not None
            seen = [(image, truth)]
            if sample.time_of_day != "night":
                seen += _copies(image, truth, exposures, relight, truth_labels, number)
            for pixels, there in seen:
                result = pipeline.process(pixels, "rgb", want_confidence=True)
                assert result.confidence is not None
                maps = there, result.mask, result.confidence
                found.append(
                    Evidence(
                        f"{data} {sample.clip or sample.name}",
                        data,
                        sample.time_of_day,
                        result.illumination,
                        count(*maps, to_truth, labels.count),
                        copy=pixels is not image,
                        features={
                            **features_of_light(pixels, "rgb"),
                            **features_of_confidence(result.confidence),
                        },
                    )
                )
            on_sample(sample)
    return found


def _copies(
    image: Image,
    truth: Image,
    exposures: Sequence[float],
    relight: Relight | None,
    classes: LabelSet,
    number: int,
) -> Iterator[tuple[Image, Image]]:
    """Yield night copies at half the size, which is still more than a network sees."""
    half = (max(1, image.shape[1] // 2), max(1, image.shape[0] // 2))
    small = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    there = np.asarray(cv2.resize(truth, half, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
    for exposure in exposures:
        yield darkened(small, exposure, number), there
    if relight is not None:
        for seed in range(RELIT):
            yield relight(small, there, classes, RELIT * number + seed), there
