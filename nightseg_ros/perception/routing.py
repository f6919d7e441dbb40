# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Selects the best route for each frame, with hysteresis: a lamp must not cause a switch."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from nightseg_ros.bundles.routes import DAY, FUSED, NIGHT, ROUTES, TRANSLATE
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import write_atomically
from nightseg_ros.files.plain_yaml import read_plain_yaml

# Translation helps at night without a night model, but costs a second network: a fitted policy may
# choose it. See the results of night2day.
BRIGHT_ORDER = (DAY, NIGHT, TRANSLATE, FUSED)
DARK_ORDER = (NIGHT, DAY, TRANSLATE, FUSED)

Curve = tuple[tuple[float, float], ...]
"""Points (illumination, quality) by increasing illumination; constant beyond the ends."""


@dataclass(frozen=True)
class RoutingPolicy:
    """The rules of `auto`. Illumination is 0 to 1, see illumination.py.

    Between `dark_below` and `bright_above` the decision stays. A route is kept for `min_dwell_s`
    unless it is missing or exceeds the budget; `latency_budget_ms` 0 is no budget. `quality`
    replaces the two thresholds: the best curve at the current illumination wins once it leads by
    `quality_margin`. The route "fused" costs two networks, so it is used only where it has a
    curve, or where no other route is left.
    """

    dark_below: float = 0.43
    bright_above: float = 0.50
    smoothing_s: float = 0.3
    min_dwell_s: float = 2.0
    latency_budget_ms: float = 0.0
    latency_retry_s: float = 30.0
    allowed: tuple[str, ...] = ROUTES
    quality: Mapping[str, Curve] | None = None
    quality_margin: float = 0.02

    def __post_init__(self) -> None:
        for name in ("dark_below", "bright_above"):
            if not 0.0 <= (level := getattr(self, name)) <= 1.0:
                raise NightsegError(f"{name} is {level}, need 0 to 1")
        if self.bright_above < self.dark_below:
            raise NightsegError(
                f"dark_below is {self.dark_below} and bright_above {self.bright_above}; "
                "bright_above must be the larger"
            )
        for name in ("smoothing_s", "min_dwell_s", "latency_budget_ms", "latency_retry_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise NightsegError(f"{name} is {value}, need 0 or more")
        unknown = sorted({*self.allowed, *(self.quality or {})} - set(ROUTES))
        if unknown or not self.allowed:
            raise NightsegError(
                f"allowed routes are {list(self.allowed)}; need some of {', '.join(ROUTES)}"
                + (f", not {', '.join(unknown)}" if unknown else "")
            )
        for route, curve in (self.quality or {}).items():
            levels = [point[0] for point in curve]
            if not levels or levels != sorted(set(levels)):
                raise NightsegError(
                    f"quality curve of '{route}' has illuminations {levels}; they must increase"
                )


class Choice(NamedTuple):
    """The route of a frame and the reason, for people."""

    route: str
    reason: str


class Router:
    """The routing state of one camera. The caller passes the time in seconds, of any clock."""

    def __init__(self, policy: RoutingPolicy, available: Iterable[str]) -> None:
        self.policy = policy
        self.available = tuple(available)
        self.route: str | None = None
        self.left_out = ""
        """Why better routes may have been left out in the last choice; empty if none was."""
        self._changed_s = 0.0
        self._level: float | None = None
        self._level_s = 0.0
        self._dark: bool | None = None

    def hold(self, route: str, now_s: float) -> Choice:
        """Record that `route` was requested, so that `auto` later starts from it."""
        self.left_out = ""
        self._take(route, now_s)
        return Choice(route, "set by parameter")

    def choose(
        self,
        illumination: float,
        now_s: float,
        latencies: Mapping[str, float] | None = None,
        *,
        without: Collection[str] = (),
        outside: Collection[str] = (),
    ) -> Choice:
        """Return the route for a frame; `latencies` are route -> ms, where they are known.

        Routes in `without` are left out. Those whose model is `outside` its domain are taken only
        where there is no other within the budget.
        """
        possible = self.candidates()
        candidates = [route for route in possible if route not in without]
        if not candidates and possible:
            raise NightsegError(f"there is no route besides {', '.join(possible)}")
        if not candidates:
            raise NightsegError(
                f"none of the allowed routes ({', '.join(self.policy.allowed)}) has its models "
                f"(there are {', '.join(self.available) or 'none'}); allow one that has"
            )
        proven = [r for r in candidates if r != FUSED or r in (self.policy.quality or {})]
        candidates = proven or candidates
        level = self._smooth(illumination, now_s)
        keeping, left_out = self._within_budget(candidates, latencies or {})
        self.left_out = left_out.removeprefix("; ")
        if keeping:
            known = [route for route in keeping if route not in outside]
            wanted, reason = self._best(known or keeping, level)
            if 0 < len(known) < len(keeping):
                strange = [route for route in keeping if route in outside]
                reason += f"; outside the domain of its model: {', '.join(strange)}"
            stay = self.route in keeping
        else:
            wanted = min(candidates, key=lambda route: (latencies or {})[route])
            reason, stay = "it is the fastest", self.route in candidates
        # After a clock was set back, the last change lies in the future. It must not count, or
        # the dwell time would last until the old time is reached again.
        left_s = self._changed_s + self.policy.min_dwell_s - now_s
        if stay and wanted != self.route and 0.0 < left_s <= self.policy.min_dwell_s:
            assert self.route is not None
            return Choice(self.route, f"{wanted} in {left_s:.1f} s: {reason}{left_out}")
        self._take(wanted, now_s)
        return Choice(wanted, reason + left_out)

    def candidates(self) -> list[str]:
        """Return the routes that are allowed and have their models."""
        return [r for r in ROUTES if r in self.policy.allowed and r in self.available]

    def _take(self, route: str, now_s: float) -> None:
        if route != self.route:
            self.route, self._changed_s = route, now_s

    def _smooth(self, illumination: float, now_s: float) -> float:
        if not math.isfinite(illumination):
            illumination = 0.5 if self._level is None else self._level
        elapsed_s = now_s - self._level_s
        if self._level is None or elapsed_s < 0.0 or self.policy.smoothing_s == 0.0:
            self._level = illumination
        else:
            weight = 1.0 - math.exp(-elapsed_s / self.policy.smoothing_s)
            self._level += weight * (illumination - self._level)
        self._level_s = now_s
        return self._level

    def _within_budget(
        self, candidates: list[str], latencies: Mapping[str, float]
    ) -> tuple[list[str], str]:
        budget = self.policy.latency_budget_ms
        if budget <= 0.0:
            return candidates, ""
        slow = [route for route in candidates if latencies.get(route, 0.0) > budget]
        listed = ", ".join(f"{route} takes {latencies[route]:.0f} ms" for route in slow)
        left_out = f"; over the budget of {budget:.0f} ms: {listed}" if slow else ""
        return [route for route in candidates if route not in slow], left_out

    def _best(self, routes: list[str], level: float) -> tuple[str, str]:
        curves = {r: curve for r, curve in (self.policy.quality or {}).items() if r in routes}
        if curves:
            return self._best_quality(curves, level)
        if self._dark is None:
            self._dark = level < (self.policy.dark_below + self.policy.bright_above) / 2
        elif level < self.policy.dark_below:
            self._dark = True
        elif level > self.policy.bright_above:
            self._dark = False
        order = DARK_ORDER if self._dark else BRIGHT_ORDER
        best = next(route for route in order if route in routes)
        return best, f"illumination {level:.2f} is {'dark' if self._dark else 'bright'}"

    def _best_quality(self, curves: Mapping[str, Curve], level: float) -> tuple[str, str]:
        quality = {
            route: float(np.interp(level, [x for x, _ in curve], [y for _, y in curve]))
            for route, curve in curves.items()
        }
        best = max(quality, key=lambda route: quality[route])
        if self.route in quality:
            lead = quality[best] - quality[self.route]
            best = best if lead > self.policy.quality_margin else self.route
        return best, f"quality {quality[best]:.3f} at illumination {level:.2f}"


FORMAT = 1
KEYS = ("format", "quality", "quality_margin", "costs_ms", "measured")


def write_routing(path: Path, policy: RoutingPolicy, facts: Mapping[str, Any]) -> None:
    """Write the curves of `policy`; `facts` (costs_ms, measured) are for people."""
    if not policy.quality:
        raise NightsegError("the policy has no quality curves; there is nothing to write")
    content = {
        "format": FORMAT,
        "quality_margin": policy.quality_margin,
        "quality": {
            route: [[float(x), float(y)] for x, y in curve]
            for route, curve in policy.quality.items()
        },
        **facts,
    }
    text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=100)
    head = "# Quality of the routes over illumination, by `nightseg fit-routing`.\n"
    write_atomically(path, (head + text).encode())


def with_routing(policy: RoutingPolicy, path: Path) -> RoutingPolicy:
    """Return `policy` with the curves in the file at `path`; NightsegError lists its faults."""
    content = read_plain_yaml(path)
    unknown = sorted(set(content) - set(KEYS))
    if content.get("format") != FORMAT or unknown:
        what = f"unknown key {unknown[0]}" if unknown else f"format {content.get('format')}"
        raise NightsegError(f"{path}: {what}; write it again with `nightseg fit-routing`")
    quality = content.get("quality")
    if not isinstance(quality, Mapping) or not quality:
        raise NightsegError(
            f"{path}: quality is {quality!r}; need route: [[illumination, quality]]"
        )
    try:
        curves = {
            str(route): tuple((_fraction(x), _fraction(y)) for x, y in points)
            for route, points in quality.items()
        }
        margin = _fraction(content.get("quality_margin", policy.quality_margin))
    except (TypeError, ValueError) as error:
        raise NightsegError(
            f"{path}: a curve is not a list of [illumination, quality], both 0 to 1 ({error})"
        ) from error
    try:
        return replace(policy, quality=curves, quality_margin=margin)
    except NightsegError as error:
        raise NightsegError(f"{path}: {error}") from error


def _fraction(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise ValueError(f"{value!r}")
    return float(value)
