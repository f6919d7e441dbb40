# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One frame to one mask: the same object serves the node, the command line and offline replay."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.engines.engine import Engine
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import IGNORE
from nightseg_ros.perception.illumination import estimate_illumination
from nightseg_ros.perception.letterbox import CHANNELS, Letterbox
from nightseg_ros.perception.map_check import check_content, check_shapes
from nightseg_ros.perception.route_guard import RouteGuard, RoutesFailedError
from nightseg_ros.perception.routing import Router, RoutingPolicy
from nightseg_ros.perception.timing import ENGINE_STAGES, LatencyHistory, Stopwatch
from nightseg_ros.routes import AUTO, CHOICES, ENGINES_OF, ROUTES, TRANSLATE

Image = NDArray[np.uint8]

MAX_GEOMETRIES = 32


@dataclass(frozen=True)
class PipelineSettings:
    """What may change while the pipeline runs; exchanged as a whole."""

    route: str = AUTO
    confidence_threshold: float = 0.0
    policy: RoutingPolicy = field(default_factory=RoutingPolicy)

    def __post_init__(self) -> None:
        if self.route not in CHOICES:
            raise NightsegError(f"route is '{self.route}', need {', '.join(CHOICES)}")
        if not 0.0 <= self.confidence_threshold <= 1.0:
            raise NightsegError(f"confidence_threshold is {self.confidence_threshold}, need 0 to 1")


@dataclass(frozen=True)
class FrameResult:
    """All that is known about one frame; `mask` and `confidence` have the size of the frame."""

    mask: Image
    confidence: Image | None
    route: str
    reason: str
    illumination: float
    times_ms: dict[str, float]
    left_out: str = ""
    """Why routes that might be better were not taken: over the budget, or at rest."""
    events: tuple[str, ...] = ()
    """What happened to routes during this frame: failures, and what works again."""

    @property
    def engine_ms(self) -> float:
        """The time inside the engines."""
        return sum(self.times_ms[stage] for stage in ENGINE_STAGES)

    @property
    def overhead_ms(self) -> float:
        """The time around the engines."""
        return self.times_ms["total"] - self.engine_ms


class Pipeline:
    """Decides the route of each frame and runs it. For one thread, the one of its engines.

    `engines` are keyed by their roles, see routes.py; the routes that can be taken follow from
    which of them exist. Each camera has a router of its own, all share the engines. With a `guard`
    a frame whose route fails goes to the next one allowed; without, the failure is raised. Class
    ids are checked where the number of `classes` is given.
    """

    def __init__(
        self,
        engines: Mapping[str, Engine],
        settings: PipelineSettings | None = None,
        *,
        guard: RouteGuard | None = None,
        classes: int = 0,
    ) -> None:
        self.engines = dict(engines)
        self._guard, self._classes = guard, classes
        self.routes = tuple(
            route for route in ROUTES if all(name in self.engines for name in ENGINES_OF[route])
        )
        self._settings = PipelineSettings()
        self.settings = settings or PipelineSettings()
        self._routers: dict[str, Router] = {}
        self._boxes: dict[tuple[tuple[int, int], tuple[int, int]], Letterbox] = {}
        self._history = LatencyHistory()

    @property
    def settings(self) -> PipelineSettings:
        """The settings of the next frame; may be set from any thread."""
        return self._settings

    @settings.setter
    def settings(self, settings: PipelineSettings) -> None:
        wanted = settings.policy.allowed if settings.route == AUTO else (settings.route,)
        if not set(wanted) & set(self.routes):
            raise NightsegError(
                f"no models for route {' or '.join(wanted)}; "
                f"the loaded models can do {', '.join(self.routes) or 'nothing'}"
            )
        self._settings = settings

    def forget(self, camera: str) -> None:
        """Drop what was learned about `camera`: its next frame starts afresh."""
        self._routers.pop(camera, None)

    def decide(self, illumination: float, camera: str, now_s: float) -> tuple[str, str]:
        """Return route and reason for a frame of this illumination, without running it.

        For frames whose masks are known already: the router of `camera` goes on as if the frame
        had been processed. Latencies are not learned from it.
        """
        return self._route(self._settings, camera, illumination, now_s)

    def process(
        self,
        frame: Image,
        order: str = "bgr",
        camera: str = "",
        now_s: float = 0.0,
        *,
        want_confidence: bool = False,
        full_size: bool = True,
        mask_out: Image | None = None,
        confidence_out: Image | None = None,
    ) -> FrameResult:
        """Segment one (H, W, 3) frame, or (H, W) with order "gray"; rows may be padded.

        With `mask_out` (and `confidence_out`) the result is written there, for instance straight
        into a message; else it is a fresh array that belongs to the caller. Without `full_size`
        the maps have the size of the network's view of the frame, without its bars.
        """
        _check_frame(frame, order)
        watch = Stopwatch()
        settings = self._settings
        illumination = estimate_illumination(frame, order)
        failed: dict[str, Exception] = {}
        events: list[str] = []
        while True:
            route, reason = self._route(settings, camera, illumination, now_s, failed)
            left_out = self._routers[camera].excuse
            try:
                mask, confidence, box = self._run(route, frame, order, watch)
                break
            except Exception as error:  # whatever engines raise
                if self._guard is None:
                    raise
                failed[route] = error
                events.append(self._guard.failed(route, error))
                if not self._others(settings, camera, failed):
                    raise RoutesFailedError(failed) from error
                watch = Stopwatch()
        if self._guard is not None and (news := self._guard.worked(route)):
            events.append(news)
        if settings.confidence_threshold > 0.0:
            _ignore_below(mask, confidence, settings.confidence_threshold)
        give = box.undo if full_size else box.cut
        full_mask = give(mask, mask_out)
        full_confidence = give(confidence, confidence_out) if want_confidence else None
        watch.lap("postprocess")
        times_ms = watch.times_ms()
        self._history.add(route, times_ms["total"], now_s)
        return FrameResult(
            full_mask,
            full_confidence,
            route,
            reason,
            illumination,
            times_ms,
            left_out,
            tuple(events),
        )

    def _run(
        self, route: str, frame: Image, order: str, watch: Stopwatch
    ) -> tuple[Image, Image, Letterbox]:
        """Return mask and confidence in the network's view, and the box that view is made by."""
        source_hw = (frame.shape[0], frame.shape[1])
        segmenter = self.engines[ENGINES_OF[route][-1]]
        box = self._box(source_hw, segmenter.input_size)
        if route == TRANSLATE:
            translator = self.engines["translator"]
            outer = self._box(source_hw, translator.input_size)
            image = outer.apply(frame, order)
            watch.lap("preprocess")
            outputs = translator.run(image)
            check_shapes(outputs, [(*translator.input_size, 3)], "translator")
            watch.lap("translate")
            # Cropped and boxed again even where the sizes agree: a translator paints the bars.
            image = box.apply(outer.crop(outputs[0]), "rgb")
            watch.lap("preprocess")
        else:
            image = box.apply(frame, order)
            watch.lap("preprocess")
        outputs = segmenter.run(image)
        check_shapes(outputs, [segmenter.input_size] * 2, ENGINES_OF[route][-1])
        mask, confidence = outputs
        check_content(image, mask, confidence, self._classes)
        watch.lap("inference")
        return mask, confidence, box

    def _route(
        self,
        settings: PipelineSettings,
        camera: str,
        illumination: float,
        now_s: float,
        failed: Collection[str] = (),
    ) -> tuple[str, str]:
        if camera not in self._routers:
            self._routers[camera] = Router(settings.policy, self.routes)
        router = self._routers[camera]
        router.policy = settings.policy
        resting = self._guard.resting() if self._guard is not None else {}
        if resting and not self._others(settings, camera, {*resting, *failed}):
            resting = {}  # better a route that failed a moment ago than none
        without = {*resting, *failed}
        if settings.route != AUTO and settings.route not in without:
            return router.hold(settings.route, now_s)
        latencies: dict[str, float] = {}
        if settings.policy.latency_budget_ms > 0.0:
            latencies = self._history.estimates(now_s, settings.policy.latency_retry_s)
        route, reason = router.choose(illumination, now_s, latencies, without=without)
        notes = [note for name, note in resting.items() if name != route]
        router.excuse = "; ".join([*filter(None, [router.excuse]), *notes])
        return route, "; ".join([reason, *notes])

    def _others(
        self, settings: PipelineSettings, camera: str, without: Collection[str]
    ) -> list[str]:
        """Return the routes that may be taken instead of those; the ordered one is always one."""
        ordered = {settings.route} & set(self.routes)
        return [x for x in {*self._routers[camera].candidates(), *ordered} if x not in without]

    def _box(self, source_hw: tuple[int, int], target_hw: tuple[int, int]) -> Letterbox:
        key = (source_hw, target_hw)
        if key not in self._boxes:
            if len(self._boxes) >= MAX_GEOMETRIES:  # a folder of images of all sizes
                self._boxes.clear()
            self._boxes[key] = Letterbox(source_hw, target_hw)
        return self._boxes[key]


def _check_frame(frame: Image, order: str) -> None:
    if order not in CHANNELS:
        raise NightsegError(f"channel order '{order}' is unknown; use {', '.join(CHANNELS)}")
    channels = frame.shape[2] if frame.ndim == 3 else 1
    good = frame.ndim == (2 if order == "gray" else 3) and channels == CHANNELS[order]
    if not good or frame.dtype != np.uint8 or frame.size == 0:
        raise NightsegError(
            f"frame is {frame.dtype} {list(frame.shape)}, "
            f"need uint8 (height, width{'' if order == 'gray' else f', {CHANNELS[order]}'})"
        )


def _ignore_below(mask: Image, confidence: Image, threshold: float) -> None:
    """Set `mask` to 255 in place wherever `confidence` is below `threshold` of 255."""
    level = math.ceil(threshold * 255)
    np.putmask(mask, confidence < level, IGNORE)
