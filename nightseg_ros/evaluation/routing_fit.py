# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of each route as a function of illumination, and a policy that is proven to pay.

Every labelled frame gives one confusion matrix per route. The quality at an illumination is the
mIoU of all matrices, weighted by how near their frames are to it. The policy is judged on frames
that its curves were not fitted on; a frame and its darkened copies are never on both sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.scores import miou
from nightseg_ros.perception.routing import Curve, Router, RoutingPolicy

LEVELS = tuple(round(0.05 * step, 2) for step in range(21))
WIDTH = 0.08
"""Standard deviation of the weights over illumination."""
LEAST_WEIGHT = 2.0
"""Levels near to fewer frames than this get no point: the curve goes on as it was."""
HANDICAPS = (0.0, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 1.0)
FOLDS = 4
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Evidence:
    """One frame: its light, and the confusion matrix of each route."""

    name: str
    origin: str
    """The frame that it is, or is a darkened copy of."""
    illumination: float
    counts: Mapping[str, Counts]


@dataclass(frozen=True)
class Judged:
    """mIoU (0 to 1) of each route alone and of auto, on frames auto was not fitted on."""

    single: Mapping[str, float]
    auto: float
    routes: Mapping[str, int]
    """How many frames auto gave to each route."""

    @property
    def best(self) -> str:
        """The best single route."""
        return max(self.single, key=lambda route: self.single[route])


@dataclass(frozen=True)
class Fit:
    """The policy to use, how it was judged, and the handicap it took."""

    policy: RoutingPolicy
    judged: Judged
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
    """Return the curves with all but that of `best` lowered: what it takes to leave it."""
    return {
        route: curve
        if route == best
        else tuple((x, max(0.0, round(y - handicap, 4))) for x, y in curve)
        for route, curve in curves.items()
    }


def choose(policy: RoutingPolicy, one: Evidence) -> str:
    """Return the route that auto takes for a frame that nothing came before."""
    return Router(policy, one.counts).choose(one.illumination, 0.0).route


def judge(evidence: Sequence[Evidence], base: RoutingPolicy, handicap: float) -> Judged:
    """Fit on all folds but one and judge on that one, for each."""
    single = {
        route: float(miou(np.sum([one.counts[route] for one in evidence], axis=0)))
        for route in evidence[0].counts
    }
    best = max(single, key=lambda route: single[route])
    origins = sorted({one.origin for one in evidence})
    fold = {origin: index % FOLDS for index, origin in enumerate(origins)}
    if len(origins) < FOLDS:
        raise NightsegError(f"{len(origins)} frames cannot be divided; give {FOLDS} or more")
    total = np.zeros_like(next(iter(evidence[0].counts.values())))
    routes: Counter[str] = Counter()
    for index in range(FOLDS):
        known = [one for one in evidence if fold[one.origin] != index]
        curves = handicapped(quality_curves(known), best, handicap)
        policy = replace(base, quality=curves)
        for one in evidence:
            if fold[one.origin] == index:
                route = choose(policy, one)
                routes[route] += 1
                total = total + one.counts[route]
    return Judged(single, float(miou(total)), dict(routes))


def fit(evidence: Sequence[Evidence], base: RoutingPolicy) -> Fit:
    """Return the policy with the least handicap whose auto is as good as the best single route.

    With the largest handicap auto is that route, so there always is one.
    """
    if not evidence:
        raise NightsegError("there is no labelled frame to fit the routing on")
    for handicap in HANDICAPS:
        judged = judge(evidence, base, handicap)
        if judged.auto >= judged.single[judged.best]:
            break
    curves = handicapped(quality_curves(evidence), judged.best, handicap)
    return Fit(replace(base, quality=curves), judged, handicap)


def darkened(image: NDArray[np.uint8], exposure: float, seed: int) -> NDArray[np.uint8]:
    """Return `image` as a sensor sees it with `exposure` (0 to 1) of the light, with its noise."""
    rng = np.random.default_rng(seed)
    light = (image.astype(np.float32) / 255) ** 2.2 * exposure
    light += rng.normal(0.0, 0.002, image.shape).astype(np.float32)
    return np.asarray(np.rint(255 * light.clip(0, 1) ** (1 / 2.2)), np.uint8)
