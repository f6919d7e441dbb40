# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How far a frame is from those that a model knows, by its light and by the network's confidence.

The novelty of a frame is the root mean square of how many spreads its features are from their mean
at its illumination. It is 1 at the limit that 99 of 100 known frames keep.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bundles.routes import ROUTES
from nightseg_ros.perception.illumination import ROWS, sampled_luma

if TYPE_CHECKING:
    from nightseg_ros.bundles.domain import Domain

Image = NDArray[np.uint8]
CONTRAST = "contrast"
OF_THE_LIGHT = ("upper light", "lower light", CONTRAST, "texture")
HAZY = -0.7
"""Contrast of a hazy frame. One of a hundred real frames has less, and nearly all in added fog."""
AVERAGED_S = 10.0
"""Time constant of the average of a camera: a lorry in front must not warn, a bank of fog must."""
MOST = 3.0
"""A frame counts as at most this in the average, so that one alone can never warn."""
REMEMBERED_S = 30.0
"""How long a route that is not taken counts as outside; then auto tries it again."""


class Novelty(NamedTuple):
    """The novelty of a frame, the feature that is farthest from its mean, and the average."""

    value: float
    mostly: str
    average: float = 0.0
    """Over the last frames of the camera that took the same route."""

    @property
    def warning(self) -> str:
        """What to report once the drive has left the domain; else empty."""
        if self.average <= 1.0:
            return ""
        return f"unlike the frames that the model knows: {self.mostly}"


def features_of_light(frame: Image, order: str) -> dict[str, float]:
    """Return the features that need no network."""
    levels = np.log2(sampled_luma(frame, order).astype(np.float32) + 8.0)
    half = max(1, len(levels) // 2)
    step = np.abs(levels[:, 1:] - levels[:, :-1])
    return {
        "upper light": float(levels[:half].mean()),
        "lower light": float(levels[-half:].mean()),
        CONTRAST: math.log2(float(levels.std()) + 0.05),
        "texture": math.log2(float(step.mean() if step.size else 0.0) + 0.02),
    }


def features_of_confidence(confidence: Image) -> dict[str, float]:
    """Return how unsure the network is; `confidence` is that of the frame, of any size."""
    apart = max(1, confidence.shape[0] // ROWS)
    sure = confidence[apart // 2 :: apart, apart // 2 :: apart]
    half = max(1, len(sure) // 2)
    return {
        name: math.log2(1.02 - float(part.mean() if part.size else 0.0) / 255)
        for name, part in (("upper doubt", sure[:half]), ("lower doubt", sure[-half:]))
    }


def is_hazy(light: Mapping[str, float]) -> bool:
    """Return whether a frame has so little contrast that its illumination may deceive.

    Fog is bright where lamps light it, and hides what is dark.
    """
    return light[CONTRAST] < HAZY


def novelty(domain: Domain, found: Mapping[str, float], illumination: float) -> Novelty:
    """Return the novelty by all features, or by those of the light where there are no others."""
    distances = {
        name: (value - mean) / spread
        for name, value in found.items()
        if (feature := domain.features.get(name)) is not None
        for mean, spread in [
            [float(np.interp(illumination, domain.illumination, curve)) for curve in feature]
        ]
    }
    if not distances:
        return Novelty(0.0, "")
    limit = domain.limit if distances.keys() - set(OF_THE_LIGHT) else domain.light_limit
    whole = math.sqrt(sum(x * x for x in distances.values()) / len(distances))
    farthest = max(distances, key=lambda name: abs(distances[name]))
    return Novelty(whole / limit, f"{'more' if distances[farthest] > 0 else 'less'} {farthest}")


class NoveltyWatch:
    """Keeps the novelty of every camera and route. The caller passes the time in seconds."""

    def __init__(self, domains: Mapping[str, Domain | None]) -> None:
        """Take the domains by route; None where it is not known."""
        self._domains = domains
        self._averages: dict[str, dict[str, tuple[float, float]]] = {}

    def forget(self, camera: str) -> None:
        """Drop the averages of a camera."""
        self._averages.pop(camera, None)

    def add(
        self,
        route: str,
        camera: str,
        light: Mapping[str, float],
        confidence: Image,
        illumination: float,
        now_s: float,
    ) -> Novelty | None:
        """Return the novelty of a frame that took `route`; None where nothing is known."""
        domain = self._domains.get(route)
        if domain is None:
            return None
        seen = {**light, **features_of_confidence(confidence)}
        found = novelty(domain, seen, illumination)
        averages = self._averages.setdefault(camera, {})
        average, at_s = averages.get(route, (0.0, now_s))
        elapsed_s = now_s - at_s
        if not 0.0 <= elapsed_s < REMEMBERED_S:  # tried again, or the clock was set
            average, elapsed_s = min(average, 1.0), 0.0
        weight = 1.0 - math.exp(-elapsed_s / AVERAGED_S)
        average += weight * (min(found.value, MOST) - average)
        averages[route] = average, now_s
        return found._replace(average=average)

    def outside(
        self, camera: str, light: Mapping[str, float], illumination: float, now_s: float
    ) -> set[str]:
        """Return the routes whose model does not know such frames; none where all may know them.

        Where the one that was taken does not, others are thought to know them by their light, if
        nothing newer speaks against it.
        """
        strange = [
            self._domains[route]
            for route, (average, at_s) in self._averages.get(camera, {}).items()
            if average > 1.0 and 0.0 <= now_s - at_s < REMEMBERED_S
        ]
        if not strange:
            return set()
        return {
            route
            for route in ROUTES
            if (domain := self._domains.get(route)) is None
            or domain in strange
            or novelty(domain, light, illumination).value > 1.0
        }
