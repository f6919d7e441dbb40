# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Several networks as one teacher: each sees the image in its own way; the mean is the answer.

A night network sees the night frame as it is; a day network sees what a translator makes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import IGNORE, LabelSet
from nightseg_ros.learning.networks.registry import load_checkpoint, require_labels
from nightseg_ros.learning.networks.segmenter import Segmenter
from nightseg_ros.learning.pseudo_labels import Teacher, probabilities, shrink
from nightseg_ros.learning.translate import load_generator, translate_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nightseg_ros.datasets.sample import DrivingSet
    from nightseg_ros.learning.methods.self_training.config import TeacherConfig

BINS = 200


@dataclass(frozen=True)
class TaughtRoute:
    """One network, what stands before it, and its weight in the average."""

    network: Segmenter
    translator: nn.Module | None = None
    translate_size: tuple[int, int] = (272, 480)
    weight: float = 1.0


class AveragedRoutes:
    """The weighted mean of the probabilities of several routes."""

    def __init__(self, routes: Sequence[TaughtRoute], scales: tuple[float, ...] = (1.0,)) -> None:
        if not routes:
            raise NightsegError("a teacher needs at least one route")
        self.routes, self.scales = tuple(routes), scales

    def __call__(self, image: NDArray[np.uint8]) -> Tensor:
        """Return (classes, H, W) probabilities."""
        total: Tensor | None = None
        for route in self.routes:
            seen = image
            if route.translator is not None:
                seen = translate_image(route.translator, image, route.translate_size)
            found = route.weight * probabilities(route.network, seen, self.scales)
            total = found if total is None else total + found
        assert total is not None
        return total / sum(route.weight for route in self.routes)


def load_teachers(
    configs: Sequence[TeacherConfig], scales: tuple[float, ...], labels: LabelSet
) -> AveragedRoutes:
    """Read the checkpoints of all routes; all must be of this label set."""
    routes = []
    for config in configs:
        path = Path(config.checkpoint)
        require_labels("teacher", path, labels)
        network = load_checkpoint(path)[0]
        translator = load_generator(Path(config.translator)) if config.translator else None
        routes.append(TaughtRoute(network, translator, config.translate_size, config.weight))
    return AveragedRoutes(routes, scales)


def measure_thresholds(
    teacher: Teacher,
    images: DrivingSet,
    *,
    classes: int,
    keep: float,
    floor: float,
    sure: float,
    probe: int,
) -> NDArray[np.float32]:
    """Return a threshold per class that keeps the share `keep` of the class's surest pixels.

    One threshold for all classes would drop the rare ones, of which a teacher is never as sure as
    of the road. The threshold stays within `floor` and `sure`; a class that the teacher never
    names gets `sure`.
    """
    counts = np.zeros((classes, BINS), np.int64)
    picked = np.linspace(0, len(images) - 1, min(probe, len(images))).round().astype(int)
    for index in picked:
        image = shrink(images.load_image(images.samples[index]), 256)
        with torch.inference_mode():
            probability, ids = teacher(image).max(0)
        place = (probability * BINS).long().clamp(0, BINS - 1)
        flat = torch.bincount((ids * BINS + place).flatten().cpu(), minlength=classes * BINS)
        counts += flat.numpy().reshape(classes, BINS)
    return thresholds_of(counts, keep, floor, sure)


def thresholds_of(
    counts: NDArray[np.int64], keep: float, floor: float, sure: float
) -> NDArray[np.float32]:
    """Return the thresholds for counts (classes, bins) of pixels by class and probability.

    >>> thresholds_of(np.array([[0, 1, 1, 2]]), keep=0.5, floor=0.1, sure=0.9)
    array([0.75], dtype=float32)
    """
    bins = counts.shape[1]
    edges = np.arange(bins) / bins
    surer = counts[:, ::-1].cumsum(1)[:, ::-1]  # pixels at least as sure as each edge
    found = np.full(len(counts), sure)
    for index, row in enumerate(surer):
        if row[0]:
            found[index] = edges[np.flatnonzero(row >= keep * row[0]).max()]
    return np.asarray(found.clip(floor, sure), np.float32)


def labelled_shares(labels: Path, classes: int) -> dict[str, float]:
    """Return the labelled share of a folder of label files, and each class's share of it."""
    counts = np.zeros(256, np.int64)
    for path in sorted(labels.glob("[!.]*.png")):
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if mask is None:
            raise NightsegError(f"cannot read the label {path}; delete it to have it made anew")
        counts += np.bincount(mask.ravel(), minlength=256)
    known = counts.sum() - counts[IGNORE]
    shares = {str(i): float(counts[i] / max(1, known)) for i in range(classes) if counts[i]}
    return {"labelled": float(known / max(1, counts.sum())), **shares}
