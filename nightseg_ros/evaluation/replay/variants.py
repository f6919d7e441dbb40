# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The routes of a replay: one, auto, or all of them side by side on the same frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nightseg_ros.engines.engine import Engine
from nightseg_ros.evaluation.bags.frames import BagFrame
from nightseg_ros.evaluation.replay.rows import Row
from nightseg_ros.perception.pipeline import FrameResult, Pipeline, PipelineSettings
from nightseg_ros.perception.routing import RoutingPolicy
from nightseg_ros.routes import AUTO

ALL = "all"


class Variants:
    """The routes to compare; `auto` beside all others takes its mask from one of them."""

    def __init__(self, engines: Mapping[str, Engine], route: str, threshold: float) -> None:
        settings = PipelineSettings(
            route=AUTO if route == ALL else route, confidence_threshold=threshold
        )
        self._main = Pipeline(engines, settings)
        self._fixed: dict[str, Pipeline] = {}
        self.names: tuple[str, ...] = (route,)
        if route == ALL:
            self._fixed = {
                name: Pipeline(engines, replace(settings, route=name)) for name in self._main.routes
            }
            self.names = (*self._fixed, AUTO)

    @property
    def policy(self) -> RoutingPolicy:
        """What `auto` goes by."""
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
        """Let the router go on as if the frame of an earlier replay had been processed here."""
        if not row["error"]:
            self._main.decide(row["illumination"], row["topic"], row["bag_ns"] / 1e9)
