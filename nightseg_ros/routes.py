# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The routes a frame can take, and the engines that each of them runs: the one table of them."""

from __future__ import annotations

DAY, NIGHT, TRANSLATE, FUSED, AUTO = "day", "night", "translate", "fused", "auto"

ENGINES_OF: dict[str, tuple[str, ...]] = {
    DAY: ("day",),
    NIGHT: ("night",),
    TRANSLATE: ("translator", "day"),
    FUSED: ("fused",),
}
"""The engines that a route runs, in order; the last one gives the mask."""

ROUTES = tuple(ENGINES_OF)
CHOICES = (AUTO, *ROUTES)
"""What may be asked for."""

ROLES = ("day", "night", "translator", "fused")
"""What a model can be in a pipeline: a segmenter, or the translator before the first of them."""
ON_REQUEST = ("fused",)
"""Roles that are filled only where somebody names the model: they cost more than the others."""
ROUTE_OF = {engines[0]: route for route, engines in ENGINES_OF.items()}
"""The route that a model of a role is for."""
