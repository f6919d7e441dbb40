# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of routes: which engines each route runs."""

from __future__ import annotations

DAY, NIGHT, TRANSLATE, FUSED, AUTO = "day", "night", "translate", "fused", "auto"

ENGINES_OF: dict[str, tuple[str, ...]] = {
    DAY: ("day",),
    NIGHT: ("night",),
    TRANSLATE: ("translator", "day"),
    FUSED: ("fused",),
}
"""The engines that a route runs, in order; the last one makes the mask."""

ROUTES = tuple(ENGINES_OF)
CHOICES = (AUTO, *ROUTES)
"""The values of the parameter route."""

ROLES = ("day", "night", "translator", "fused")
"""The roles of models in a pipeline: the segmenters and the translator."""
ON_REQUEST = ("fused",)
"""Optional roles, used only where the model is named: they cost more than the others."""
ROUTE_OF = {engines[0]: route for route, engines in ENGINES_OF.items()}
"""Role -> the route that starts with its model."""
