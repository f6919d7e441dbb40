# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What frames a model knows look like: a part of model.yaml.

Mean and spread of a few features of a frame, at a few illuminations and interpolated between them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nightseg_ros.errors import NightsegError

_AGAIN = "write it again with `nightseg calibrate`"


class Feature(NamedTuple):
    """A value of frames at each illumination, and how much it varies there."""

    mean: tuple[float, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True)
class Domain:
    """The frames that a model knows."""

    illumination: tuple[float, ...]
    features: Mapping[str, Feature]
    limit: float
    """The distance within which 99 of 100 known frames lie that were not fitted on."""
    light_limit: float
    """The same for the features of the light alone, without the network."""
    measured: Mapping[str, Any] = field(default_factory=dict)
    """What it was fitted on, for people."""

    def __post_init__(self) -> None:
        if not self.illumination or list(self.illumination) != sorted(set(self.illumination)):
            raise _fault("illumination", list(self.illumination), "increasing numbers")
        for name, feature in self.features.items():
            for part, curve in feature._asdict().items():
                if len(curve) != len(self.illumination):
                    raise _fault(f"{name} {part}", list(curve), f"{len(self.illumination)} numbers")
            if min(feature.spread) <= 0.0:
                raise _fault(f"{name} spread", list(feature.spread), "numbers above 0")
        if min(self.limit, self.light_limit) <= 0.0:
            raise _fault("limits", [self.limit, self.light_limit], "numbers above 0")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Domain:
        """Return the domain in a model.yaml."""
        features = data.get("features")
        if not isinstance(features, Mapping) or not features:
            raise _fault("features", features, "a mapping")
        found = {}
        for name, parts in features.items():
            if not isinstance(parts, Mapping):
                raise _fault(str(name), parts, "mean and spread")
            found[str(name)] = Feature(*(_curve(parts, part) for part in Feature._fields))
        return cls(
            _curve(data, "illumination"),
            found,
            _numbers("limit", [data.get("limit")])[0],
            _numbers("light_limit", [data.get("light_limit")])[0],
            data.get("measured") or {},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as a part of model.yaml."""
        return {
            "illumination": list(self.illumination),
            "features": {
                name: {part: list(curve) for part, curve in feature._asdict().items()}
                for name, feature in self.features.items()
            },
            "limit": self.limit,
            "light_limit": self.light_limit,
            "measured": dict(self.measured),
        }


def _curve(data: Mapping[str, Any], key: str) -> tuple[float, ...]:
    return _numbers(key, data.get(key))


def _numbers(name: str, values: Any) -> tuple[float, ...]:
    if not isinstance(values, list) or not all(
        isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x) for x in values
    ):
        raise _fault(name, values, "numbers")
    return tuple(float(x) for x in values)


def _fault(name: str, found: object, need: str) -> NightsegError:
    return NightsegError(f"domain {name} is {found!r}, need {need}; {_AGAIN}")
