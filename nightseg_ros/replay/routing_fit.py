# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fits the quality of each route over illumination, and a policy from it.

Every labelled frame gives one confusion matrix per route. The quality at an illumination is the
mIoU of all matrices, weighted by the distance of their frames' illumination. The reported scores
come from frames that were not used for fitting or selection; a frame and its darkened copies are
always on the same side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.metrics.scores import miou
from nightseg_ros.perception.routing import Curve, Router, RoutingPolicy

LEVELS = tuple(round(0.05 * step, 2) for step in range(21))
WIDTH = 0.08
"""Standard deviation of the weights over illumination."""
LEAST_WEIGHT = 2.0
"""A level near fewer frames gets no point: the curve is interpolated there."""
HANDICAPS = (0.0, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 1.0)
FOLDS = 4
LEAST_FRAMES = 6
"""With fewer frames, one of the nested folds would be empty."""
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Evidence:
    """One frame: its illumination, and the confusion matrix of each route."""

    name: str
    origin: str
    """The original frame of this one, which may be a darkened copy."""
    illumination: float
    counts: Mapping[str, Counts]


@dataclass(frozen=True)
class Evaluation:
    """mIoU (0 to 1) of each route alone and of auto, on frames that auto was not fitted on."""

    single: Mapping[str, float]
    auto: float
    routes: Mapping[str, int]
    """Frames per route chosen by auto."""


@dataclass(frozen=True)
class Fit:
    """The policy to use, its evaluation, and its handicap."""

    policy: RoutingPolicy
    evaluation: Evaluation
    handicap: float


def quality_curves(evidence: Sequence[Evidence]) -> dict[str, Curve]:
    """Return the mIoU of each route over illumination."""
    light = np.array([one.illumination for one in evidence])
    curves: dict[str, Curve] = {}
    for route in evidence[0].counts:
        matrices = np.stack([one.counts[route] for one in evidence]).astype(np.float64)
        points = []
        for level in LEVELS:
            weights = np.exp(-0.5 * ((light - level) / WIDTH) ** 2)
            if weights.sum() >= LEAST_WEIGHT:
                quality = float(miou(np.tensordot(weights, matrices, 1)))
                points.append((level, round(quality, 4)))
        if not points:
            raise NightsegError(
                f"{len(evidence)} frames are too few for a curve; give a larger validation set"
            )
        curves[route] = tuple(points)
    return curves


def handicapped(curves: Mapping[str, Curve], best: str, handicap: float) -> dict[str, Curve]:
    """Return the curves, all but that of `best` lowered by the handicap."""
    return {
        route: curve
        if route == best
        else tuple((x, max(0.0, round(y - handicap, 4))) for x, y in curve)
        for route, curve in curves.items()
    }


def choose(policy: RoutingPolicy, one: Evidence) -> str:
    """Return the route of auto for a first frame."""
    return Router(policy, one.counts).choose(one.illumination, 0.0).route


def best_single(evidence: Sequence[Evidence]) -> tuple[str, dict[str, float]]:
    """Return the best single route, and the mIoU of each."""
    single = {
        route: float(miou(np.sum([one.counts[route] for one in evidence], axis=0)))
        for route in evidence[0].counts
    }
    return max(single, key=lambda route: single[route]), single


def folds(evidence: Sequence[Evidence]) -> Iterator[tuple[list[Evidence], list[Evidence]]]:
    """Yield training and held-out part of each fold; a frame and its copies stay together."""
    origins = sorted({one.origin for one in evidence})
    if len(origins) < FOLDS:
        raise NightsegError(
            f"{len(origins)} frames are too few to divide; give {LEAST_FRAMES} or more"
        )
    fold = {origin: index % FOLDS for index, origin in enumerate(origins)}
    for index in range(FOLDS):
        known = [one for one in evidence if fold[one.origin] != index]
        yield known, [one for one in evidence if fold[one.origin] == index]


def choose_handicap(evidence: Sequence[Evidence], base: RoutingPolicy) -> float:
    """Return the smallest handicap with which auto is as good as the best single route.

    Auto is evaluated on held-out frames. With the largest handicap it is that route, so a solution
    always exists.
    """
    best, single = best_single(evidence)
    parts = [(quality_curves(known), held) for known, held in folds(evidence)]
    return next(h for h in HANDICAPS if auto_quality(parts, best, base, h) >= single[best])


def auto_quality(
    parts: Sequence[tuple[dict[str, Curve], Sequence[Evidence]]],
    best: str,
    base: RoutingPolicy,
    handicap: float,
) -> float:
    """Return the mIoU of auto, with each part routed by the curves of the others."""
    counts = []
    for curves, held in parts:
        policy = replace(base, quality=handicapped(curves, best, handicap))
        counts += [one.counts[choose(policy, one)] for one in held]
    return float(miou(np.sum(counts, axis=0)))


def fitted(evidence: Sequence[Evidence], base: RoutingPolicy) -> tuple[RoutingPolicy, float]:
    """Return the policy fitted to these frames, and its handicap."""
    best, _ = best_single(evidence)
    handicap = choose_handicap(evidence, base)
    return replace(base, quality=handicapped(quality_curves(evidence), best, handicap)), handicap


def cross_validate(evidence: Sequence[Evidence], base: RoutingPolicy) -> Evaluation:
    """Evaluate the whole fit on frames that influenced neither curves nor handicap.

    The folds are nested: the training frames are divided again to choose the handicap. So auto may
    score below the best single route.
    """
    routes: Counter[str] = Counter()
    counts = []
    for known, held in folds(evidence):
        policy, _ = fitted(known, base)
        for one in held:
            route = choose(policy, one)
            routes[route] += 1
            counts.append(one.counts[route])
    _, single = best_single(evidence)
    return Evaluation(single, float(miou(np.sum(counts, axis=0))), dict(routes))


def fit(evidence: Sequence[Evidence], base: RoutingPolicy) -> Fit:
    """Return the policy fitted to all frames, and its expected scores on others."""
    if not evidence:
        raise NightsegError("there is no labelled frame to fit the routing on")
    frames = len({one.origin for one in evidence})
    if frames < LEAST_FRAMES:
        raise NightsegError(f"{frames} frames are too few to divide; give {LEAST_FRAMES} or more")
    policy, handicap = fitted(evidence, base)
    return Fit(policy, cross_validate(evidence, base), handicap)


def darkened(image: NDArray[np.uint8], exposure: float, seed: int) -> NDArray[np.uint8]:
    """Return `image` as a sensor sees it with `exposure` (0 to 1) of the light, with its noise."""
    rng = np.random.default_rng(seed)
    light = (image.astype(np.float32) / 255) ** 2.2 * exposure
    light += rng.normal(0.0, 0.002, image.shape).astype(np.float32)
    return np.asarray(np.rint(255 * light.clip(0, 1) ** (1 / 2.2)), np.uint8)
