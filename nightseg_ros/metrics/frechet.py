# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Frechet distance between two sets of feature vectors, each modelled as a Gaussian."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError

Vectors = NDArray[np.float64]


@dataclass(frozen=True)
class Gaussian:
    """Mean and covariance of some feature vectors."""

    mean: Vectors
    covariance: Vectors
    count: int

    @classmethod
    def of(cls, features: NDArray[np.floating]) -> Gaussian:
        """Fit to the rows of `features` (N, C); the covariance divides by N - 1."""
        values = np.asarray(features, np.float64)
        if values.ndim != 2 or len(values) < 2:
            raise NightsegError(
                f"features are {list(values.shape)}; a covariance needs two images or more"
            )
        if not np.isfinite(values).all():
            raise NightsegError("features contain values that are not finite")
        return cls(values.mean(0), np.atleast_2d(np.cov(values, rowvar=False)), len(values))


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """Return |mean - mean|^2 + trace(A + B - 2 (A B)^(1/2)).

    A B has the eigenvalues of A^(1/2) B A^(1/2), which is symmetric: no complex root is taken, and
    covariances without full rank (fewer images than features) need no offset.

    >>> x = np.array([[0.0, 0.0], [2.0, 2.0], [0.0, 2.0], [2.0, 0.0]])
    >>> round(frechet_distance(Gaussian.of(x), Gaussian.of(x + 3.0)), 6)
    18.0
    """
    if a.mean.shape != b.mean.shape:
        raise NightsegError(
            f"features of {a.mean.size} and {b.mean.size} numbers; compute both with one network"
        )
    values, vectors = np.linalg.eigh(a.covariance)
    root = (vectors * np.sqrt(values.clip(min=0.0))) @ vectors.T
    middle = root @ b.covariance @ root
    crossed = np.sqrt(np.linalg.eigvalsh((middle + middle.T) / 2).clip(min=0.0)).sum()
    shift = float(((a.mean - b.mean) ** 2).sum())
    distance = shift + float(np.trace(a.covariance) + np.trace(b.covariance) - 2.0 * crossed)
    return max(0.0, distance)


def split_distance(features: NDArray[np.floating], seed: int = 0) -> float:
    """Return the distance between two random halves of one set: the bias of the estimate.

    The covariance of few images is too wide in some directions and flat in others, so the distance
    is never 0 and grows with fewer images. Distances near this one are not significant.
    """
    order = np.random.default_rng(seed).permutation(len(features))
    half = len(features) // 2
    return frechet_distance(
        Gaussian.of(features[order[:half]]), Gaussian.of(features[order[half : 2 * half]])
    )


def bias_note(counts: tuple[int, int], channels: int) -> str:
    """Return a warning where the images are too few for the features, else ""."""
    fewest = min(counts)
    if fewest > 10 * channels:
        return ""
    need = f"{fewest} images for {channels} features"
    if fewest <= channels:
        return (
            f"{need}: the covariance does not have full rank, so the distance is biased upwards, "
            "by more the fewer the images; compare only distances of the same number of images"
        )
    return f"{need}: biased upwards; compare only distances of the same number of images"
