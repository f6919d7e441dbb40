# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the routes of a replay: one, auto, or all of them on the same frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from nightseg_ros.bundles.routes import AUTO
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings

if TYPE_CHECKING:
    from nightseg_ros.bags.frames import BagFrame
    from nightseg_ros.bundles.calibration import Calibration
    from nightseg_ros.bundles.domain import Domain
    from nightseg_ros.engines.engine import Engine
    from nightseg_ros.perception.frame_result import FrameResult
    from nightseg_ros.perception.routing import RoutingPolicy
    from nightseg_ros.replay.rows import Row

ALL = "all"


class Variants:
    """The routes to compare; next to all others, `auto` reuses the mask of one of them.

    There it goes by the light alone, not by what the models know of the frames.
    """

    def __init__(
        self,
        engines: Mapping[str, Engine],
        route: str,
        threshold: float,
        classes: int,
        calibrations: Mapping[str, Calibration],
        domains: Mapping[str, Domain],
        *,
        stabilise: bool = False,
    ) -> None:
        settings = PipelineSettings(
            route=AUTO if route == ALL else route,
            confidence_threshold=threshold,
            stabilise=stabilise,
        )
        created = partial(
            Pipeline, engines, classes=classes, calibrations=calibrations, domains=domains
        )
        self._main = created(settings)
        self._fixed: dict[str, Pipeline] = {}
        self.names: tuple[str, ...] = (route,)
        if route == ALL:
            self._fixed = {
                name: created(replace(settings, route=name)) for name in self._main.routes
            }
            self.names = (*self._fixed, AUTO)

    @property
    def policy(self) -> RoutingPolicy:
        """The policy of `auto`."""
        return self._main.settings.policy

    def process(self, frame: BagFrame) -> dict[str, FrameResult]:
        """Return variant -> result."""
        now_s = frame.bag_ns / 1e9
        if not self._fixed:
            return {self.names[0]: self._run(self._main, frame)}
        results = {name: self._run(pipeline, frame) for name, pipeline in self._fixed.items()}
        light = next(iter(results.values())).illumination
        route, reason = self._main.decide(light, frame.topic, now_s)
        return {**results, AUTO: replace(results[route], reason=reason)}

    @staticmethod
    def _run(pipeline: Pipeline, frame: BagFrame) -> FrameResult:
        assert frame.image is not None
        pixels, order = frame.image.pixels, frame.image.order
        now_s = frame.bag_ns / 1e9
        return pipeline.process(pixels, order, frame.topic, now_s, want_confidence=True)

    def recall(self, row: Row) -> None:
        """Update the router as if the frame of an earlier replay had been processed here."""
        if not row["error"]:
            self._main.decide(row["illumination"], row["topic"], row["bag_ns"] / 1e9)
