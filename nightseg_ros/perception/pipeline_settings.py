# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What may be changed while frames are segmented."""

from __future__ import annotations

from dataclasses import dataclass, field

from nightseg_ros.bundles.routes import AUTO, CHOICES
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.routing import RoutingPolicy


@dataclass(frozen=True)
class PipelineSettings:
    """The settings that may change while the pipeline runs; replaced as a whole."""

    route: str = AUTO
    confidence_threshold: float = 0.0
    target_error: float = 0.0
    stabilise: bool = False
    policy: RoutingPolicy = field(default_factory=RoutingPolicy)

    def __post_init__(self) -> None:
        if self.route not in CHOICES:
            raise NightsegError(f"route is '{self.route}', need {', '.join(CHOICES)}")
        if not 0.0 <= self.confidence_threshold <= 1.0:
            raise NightsegError(f"confidence_threshold is {self.confidence_threshold}, need 0 to 1")
        if not 0.0 <= self.target_error <= 1.0:
            raise NightsegError(f"target_error is {self.target_error}, need 0 to 1")
