# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fits what a model knows of frames to the evidence of its calibration.

The limits are the 99th percentile of frames not fitted on: those of a drive and all their copies
are measured by the fit on the other drives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bundles.domain import Domain, Feature
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.novelty import OF_THE_LIGHT, novelty
from nightseg_ros.replay.confidence_fit import Evidence, folds, frame_weight

QUANTILE = 0.99
LEAST_SPREAD = 0.5
"""Of the spread over all lights: where frames are few, they look more alike than they are."""
LEAST_FRAMES = 16
"""Fewer say too little about their 99th percentile."""
RIDGE = 1e-3
LEAST_LIMIT = 0.01
"""Of frames that are all alike."""
Values = NDArray[np.float64]


def known_to(evidence: Sequence[Evidence], *, by_night: bool) -> list[Evidence]:
    """Return the frames that a model knows; one that serves no night knows none."""
    return [one for one in evidence if by_night or not (one.copy or one.time_of_day == "night")]


def fit_domain(evidence: Sequence[Evidence]) -> Domain | None:
    """Return the domain of these frames, None where they are too few."""
    if len(evidence) < LEAST_FRAMES:
        return None
    try:
        pairs = [(_fit(known), one) for known, held in folds(evidence) for one in held]
    except NightsegError:  # of too few drives
        return None
    limits = [
        float(np.quantile([_distance(*pair, names) for pair in pairs], QUANTILE))
        for names in (tuple(evidence[0].features), OF_THE_LIGHT)
    ]
    measured: dict[str, Any] = {
        "data": sorted({one.data for one in evidence}),
        "frames": sum(not one.copy for one in evidence),
        "copies": sum(one.copy for one in evidence),
    }
    limit, light_limit = (max(LEAST_LIMIT, round(value, 4)) for value in limits)
    return replace(_fit(evidence), limit=limit, light_limit=light_limit, measured=measured)


def _distance(domain: Domain, one: Evidence, names: Sequence[str]) -> float:
    found = {name: one.features[name] for name in names}
    return novelty(domain, found, one.illumination).value


def _fit(evidence: Sequence[Evidence]) -> Domain:
    """Return means and spreads by weighted least squares; the limits are 1."""
    light = np.array([one.illumination for one in evidence])
    weight = np.array([frame_weight(one) for one in evidence])[:, None]
    darkest, brightest = np.quantile(light, (0.05, 0.95))
    middle = (darkest + brightest) / 2
    knots = tuple(sorted({round(float(x), 2) for x in (darkest, middle, brightest)}))
    near = np.stack([np.interp(light, knots, row) for row in np.eye(len(knots))], 1)
    names = list(evidence[0].features)
    values = np.array([[one.features[name] for name in names] for one in evidence])
    means = _curves(near, weight, values)
    squares = (values - near @ means) ** 2
    whole = (weight * squares).sum(axis=0) / weight.sum()
    least = np.maximum(LEAST_SPREAD**2 * whole, 1e-6)
    spreads = np.sqrt(np.maximum(_curves(near, weight, squares), least))
    curves = zip(names, means.T, spreads.T, strict=True)
    features = {name: Feature(_rounded(mean), _rounded(spread)) for name, mean, spread in curves}
    return Domain(knots, features, limit=1.0, light_limit=1.0)


def _curves(near: Values, weight: Values, values: Values) -> Values:
    """Return (knots, columns): the values at each knot that fit best."""
    curvature = near.T @ (weight * near) + RIDGE * np.eye(near.shape[1])
    return np.asarray(np.linalg.solve(curvature, near.T @ (weight * values)))


def _rounded(curve: Values) -> tuple[float, ...]:
    return tuple(round(float(x), 4) for x in curve)
