# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How often a model is right when it is this sure, by light and class: a part of model.yaml.

The probability that a pixel of class k is right, at confidence p and illumination l, is
sigmoid(logit(p) / temperature(l) + shift(l, k)). Both are given at a few illuminations, and are
interpolated between them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nightseg_ros.errors import NightsegError

Curve = tuple[float, ...]
"""A value at each illumination."""
TEMPERATURES = (0.1, 10.0)
SHIFTS = (-20.0, 20.0)
_AGAIN = "write it again with `nightseg calibrate`"


@dataclass(frozen=True)
class Calibration:
    """The curves of one model."""

    illumination: Curve
    temperature: Curve
    shift: tuple[Curve, ...]
    """A curve for each class id."""
    measured: Mapping[str, Any] = field(default_factory=dict)
    """The figures of its fit, for people."""

    def __post_init__(self) -> None:
        if not self.illumination or list(self.illumination) != sorted(set(self.illumination)):
            raise NightsegError(
                f"calibration illumination is {list(self.illumination)}, need increasing numbers; "
                f"{_AGAIN}"
            )
        curves = [("illumination", self.illumination, (0.0, 1.0))]
        curves.append(("temperature", self.temperature, TEMPERATURES))
        curves += [(f"shift {k}", curve, SHIFTS) for k, curve in enumerate(self.shift)]
        for name, curve, (low, high) in curves:
            if len(curve) != len(self.illumination) or not all(low <= x <= high for x in curve):
                raise NightsegError(
                    f"calibration {name} is {list(curve)}, need {len(self.illumination)} numbers "
                    f"from {low:g} to {high:g}; {_AGAIN}"
                )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], classes: int) -> Calibration:
        """Return the calibration in a model.yaml whose labels have this many classes."""
        shift = data.get("shift")
        if not isinstance(shift, list) or len(shift) != classes:
            count = len(shift) if isinstance(shift, list) else repr(shift)
            raise NightsegError(
                f"calibration shift has {count} curves for {classes} classes; {_AGAIN}"
            )
        return cls(
            _curve(data, "illumination"),
            _curve(data, "temperature"),
            tuple(_numbers(curve, f"shift {k}") for k, curve in enumerate(shift)),
            data.get("measured") or {},
        )

    def relabelled(self, becomes: Sequence[int], classes: int) -> Calibration:
        """Return it for masks whose class `k` became `becomes[k]`, of this many classes.

        Classes that became one have their mean shift, and a class that none became that of all.
        """
        shift = []
        for label in range(classes):
            own = [curve for k, curve in enumerate(self.shift) if becomes[k] == label]
            columns = zip(*(own or self.shift), strict=True)
            shift.append(tuple(sum(values) / len(values) for values in columns))
        return replace(self, shift=tuple(shift))

    def to_dict(self) -> dict[str, Any]:
        """Return it as a part of model.yaml."""
        return {
            "illumination": list(self.illumination),
            "temperature": list(self.temperature),
            "shift": [list(curve) for curve in self.shift],
            "measured": dict(self.measured),
        }


def _curve(data: Mapping[str, Any], key: str) -> Curve:
    return _numbers(data.get(key), key)


def _numbers(values: Any, name: str) -> Curve:
    if not isinstance(values, list) or not all(
        isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x) for x in values
    ):
        raise NightsegError(f"calibration {name} is {values!r}, need a list of numbers; {_AGAIN}")
    return tuple(float(x) for x in values)
