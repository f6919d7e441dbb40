# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The file that holds measured quality curves of the routes, for route auto to go by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from nightseg_ros.atomic import write_atomically
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.routing import RoutingPolicy
from nightseg_ros.plain_yaml import read_plain_yaml

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
    """Return `policy` with the curves in the file at `path`, or say what is wrong with it."""
    content = read_plain_yaml(path)
    unknown = sorted(set(content) - set(KEYS))
    if content.get("format") != FORMAT or unknown:
        what = f"unknown key {unknown[0]}" if unknown else f"format {content.get('format')}"
        raise NightsegError(f"{path}: {what}; write it anew with `nightseg fit-routing`")
    quality = content.get("quality")
    if not isinstance(quality, Mapping) or not quality:
        raise NightsegError(
            f"{path}: quality is {quality!r}; need route: [[illumination, quality]]"
        )
    try:
        curves = {
            str(route): tuple((_share(x), _share(y)) for x, y in points)
            for route, points in quality.items()
        }
        margin = _share(content.get("quality_margin", policy.quality_margin))
    except (TypeError, ValueError) as error:
        raise NightsegError(
            f"{path}: a curve is no list of [illumination, quality], both 0 to 1 ({error})"
        ) from error
    try:
        return replace(policy, quality=curves, quality_margin=margin)
    except NightsegError as error:
        raise NightsegError(f"{path}: {error}") from error


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise ValueError(f"{value!r}")
    return float(value)
