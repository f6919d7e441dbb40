# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which unlabelled images are near to what a network is trained on: by histogram or by FID.

A teacher labels images best that look like its training images, so pools are better chosen than
taken whole. Both measures give one distance per image; the smaller, the nearer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.datasets.image_files import decode
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.csv_file import write_csv
from nightseg_ros.learning.frame_scores import whole_strides
from nightseg_ros.metrics.frechet import Gaussian, frechet_distance

if TYPE_CHECKING:
    from nightseg_ros.datasets.sample import DrivingSet, Sample
    from nightseg_ros.learning.networks.segmenter import Segmenter

BINS = 64
DIRECTIONS = 16
"""Features are seen along this many main directions of the reference: an image has too few places
to estimate the covariance of more."""
Floats = NDArray[np.float64]


class Ranked(NamedTuple):
    """An image and its distance from the reference."""

    sample: Sample
    distance: float


def luma_histogram(grey: NDArray[np.uint8]) -> Floats:
    """Return the shares of the luma bins.

    >>> float(luma_histogram(np.full((2, 2), 255, np.uint8))[-1])
    1.0
    """
    counts = np.bincount(grey.ravel() // (256 // BINS), minlength=BINS)
    return np.asarray(counts / counts.sum(), np.float64)


def histogram_distance(one: Floats, other: Floats) -> float:
    """Return the earth mover's distance of two luma histograms, from 0 (same) to 1.

    >>> dark, bright = np.eye(64)[0], np.eye(64)[63]
    >>> histogram_distance(dark, bright), histogram_distance(dark, dark)
    (1.0, 0.0)
    """
    return float(np.abs(np.cumsum(one - other))[:-1].mean())


def histogram_distances(images: DrivingSet, reference: Sequence[DrivingSet]) -> Iterator[float]:
    """Yield each image's distance from the mean histogram of the reference sets."""
    samples = [sample for part in reference for sample in part.samples]
    wanted = np.mean([_histogram_of(sample) for sample in samples], axis=0)
    for sample in images.samples:
        yield histogram_distance(_histogram_of(sample), wanted)


def _histogram_of(sample: Sample) -> Floats:
    return luma_histogram(decode(sample.image, cv2.IMREAD_REDUCED_GRAYSCALE_8))


class Domain:
    """Mean and covariance of a network's features over the places of the reference images."""

    def __init__(
        self, network: Segmenter, reference: Sequence[DrivingSet], size: tuple[int, int]
    ) -> None:
        from nightseg_ros.learning.image_features import SegmenterFeatures

        self._features = SegmenterFeatures(network)
        self._size = whole_strides(size, network.stride)
        places = np.concatenate(
            [self._places(part.load_image(sample)) for part in reference for sample in part.samples]
        )
        self._centre = places.mean(0)
        _, vectors = np.linalg.eigh(np.cov(places - self._centre, rowvar=False))
        self._directions = vectors[:, ::-1][:, :DIRECTIONS]
        self.gaussian = Gaussian.of((places - self._centre) @ self._directions)

    def _places(self, image: NDArray[np.uint8]) -> Floats:
        """Return the features (places, channels) of an image."""
        maps = self._features.of_image(image, self._size)
        return np.asarray(maps.flatten(1).T.numpy(), np.float64)

    def distance(self, image: NDArray[np.uint8]) -> float:
        """Return the Frechet distance of an image's features from those of the reference."""
        seen = (self._places(image) - self._centre) @ self._directions
        return frechet_distance(Gaussian.of(seen), self.gaussian)


def rank(images: DrivingSet, distances: Sequence[float]) -> list[Ranked]:
    """Return the images, the nearest first."""
    found = [Ranked(s, d) for s, d in zip(images.samples, distances, strict=True)]
    return sorted(found, key=lambda one: one.distance)


def choose(ranked: Sequence[Ranked], count: int, threshold: float | None) -> list[Ranked]:
    """Return the `count` nearest, or all within `threshold`, or both limits at once."""
    if count < 0 or (not count and threshold is None):
        raise NightsegError(f"count is {count}; give a count of 1 up, a threshold, or both")
    kept = [one for one in ranked if threshold is None or one.distance <= threshold]
    kept = kept[:count] if count else kept
    if not kept:
        nearest = f"{ranked[0].distance:.3f}" if ranked else "none there"
        raise NightsegError(f"no image is within {threshold}; the nearest is at {nearest}")
    return kept


def write_selection(out: Path, chosen: Sequence[Ranked], ranked: Sequence[Ranked]) -> None:
    """Write out/images (links to the chosen) and out/distances.csv (all images, nearest first)."""
    folder = out / "images"
    folder.mkdir(parents=True, exist_ok=True)
    for link in folder.iterdir():  # of an earlier selection
        if link.is_symlink():
            link.unlink()
    for one in chosen:
        (folder / one.sample.image.name).symlink_to(one.sample.image.resolve())
    taken = {one.sample.image for one in chosen}
    rows = (
        [one.sample.image.name, f"{one.distance:.6g}", int(one.sample.image in taken)]
        for one in ranked
    )
    write_csv(out / "distances.csv", ["image", "distance", "chosen"], rows)


def as_set(images: DrivingSet, ranked: Sequence[Ranked], name: str) -> DrivingSet:
    """Return the ranked images as a set whose names state the distance, for a contact sheet."""
    samples = tuple(replace(s, name=f"{d:.3g} {s.name}") for s, d in ranked)
    return replace(images, name=name, samples=samples, problems=())
