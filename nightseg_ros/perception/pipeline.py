# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Makes the mask of a frame; the node, the command line and offline replay all use it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from nightseg_ros.bundles.routes import AUTO, ENGINES_OF, ROUTES, TRANSLATE
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.calibrated import (
    ConfidenceTables,
    histogram,
    threshold_for,
    withhold_below,
)
from nightseg_ros.perception.frame_result import FrameResult, Image
from nightseg_ros.perception.illumination import estimate_illumination
from nightseg_ros.perception.letterbox import CHANNELS, Letterbox
from nightseg_ros.perception.map_check import check_content, check_shapes
from nightseg_ros.perception.novelty import (
    NoveltyWatch,
    features_of_light,
    is_hazy,
)
from nightseg_ros.perception.pipeline_settings import PipelineSettings
from nightseg_ros.perception.route_guard import RouteGuard, RoutesFailedError
from nightseg_ros.perception.routing import Router
from nightseg_ros.perception.stabilise import Stabiliser
from nightseg_ros.perception.timing import LatencyHistory, Stopwatch

if TYPE_CHECKING:
    from nightseg_ros.bundles.calibration import Calibration
    from nightseg_ros.bundles.domain import Domain
    from nightseg_ros.engines.engine import Engine

MAX_GEOMETRIES = 32


class Pipeline:
    """Decides the route of each frame and runs it, in the thread of its engines.

    `engines` are keyed by their roles, see routes.py; they determine the available routes. Each
    camera has its own router, all share the engines. With a `guard`, a frame whose route fails
    goes to the next allowed one; without, the failure is raised. Class ids are checked where the
    number of `classes` is given. `calibrations` and `domains` are those of the models, by role.
    """

    def __init__(
        self,
        engines: Mapping[str, Engine],
        settings: PipelineSettings | None = None,
        *,
        guard: RouteGuard | None = None,
        classes: int = 0,
        calibrations: Mapping[str, Calibration] | None = None,
        domains: Mapping[str, Domain] | None = None,
    ) -> None:
        self.engines = dict(engines)
        self._tables = {role: ConfidenceTables(one) for role, one in (calibrations or {}).items()}
        self._guard, self._classes = guard, classes
        self.routes = tuple(
            route for route in ROUTES if all(name in self.engines for name in ENGINES_OF[route])
        )
        known = domains or {}
        self._watch = NoveltyWatch(
            {route: known.get(ENGINES_OF[route][-1]) for route in self.routes if route != TRANSLATE}
        )
        self._settings = PipelineSettings()
        self.settings = settings or PipelineSettings()
        self._routers: dict[str, Router] = {}
        self._stabilisers: dict[str, Stabiliser] = {}
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
                f"the loaded models allow {', '.join(self.routes) or 'none'}"
            )
        if settings.target_error > 0.0:
            self._need_calibrations(wanted)
        self._settings = settings

    def forget(self, camera: str) -> None:
        """Drop what is known of `camera`: its next frame starts afresh."""
        self._routers.pop(camera, None)
        self._watch.forget(camera)
        self._stabilisers.pop(camera, None)

    def decide(self, illumination: float, camera: str, now_s: float) -> tuple[str, str]:
        """Return route and reason for a frame of this illumination, without running it.

        For frames whose masks are known already: the router of `camera` behaves as if the frame
        had been processed. No latency is recorded.
        """
        return self._route(self._settings, camera, illumination, now_s)

    def process(
        self,
        frame: Image,
        order: str = "bgr",
        camera: str = "",
        now_s: float = 0.0,
        *,
        stamp_s: float | None = None,
        want_confidence: bool = False,
        full_size: bool = True,
        mask_out: Image | None = None,
        confidence_out: Image | None = None,
    ) -> FrameResult:
        """Segment one (H, W, 3) frame, or (H, W) with order "gray"; rows may be padded.

        With `mask_out` (and `confidence_out`) the result is written there, for example directly
        into a message; else it is a new array of the caller. Without `full_size` the maps have
        the size of the network's view of the frame, without its bars. `stamp_s` is the time of the
        frame where that is not `now_s`.
        """
        _check_frame(frame, order)
        watch = Stopwatch()
        settings = self._settings
        illumination = estimate_illumination(frame, order)
        light = features_of_light(frame, order)
        hazy = is_hazy(light)
        outside = self._watch.outside(camera, light, illumination, now_s)
        failed: dict[str, Exception] = {}
        events: list[str] = []
        while True:
            route, reason = self._route(settings, camera, illumination, now_s, failed, outside)
            left_out = self._routers[camera].left_out
            try:
                image, mask, confidence, box = self._run(route, frame, order, watch)
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
        if hazy and settings.route == AUTO:
            reason += "; little contrast, as in fog: the light is uncertain"
        seen = box.crop(confidence)
        found = self._watch.add(route, camera, light, seen, illumination, now_s)
        if settings.stabilise:
            stabiliser = self._stabilisers.setdefault(camera, Stabiliser())
            taken_s = now_s if stamp_s is None else stamp_s
            mask = stabiliser.update(image, mask, confidence, route, taken_s)
        else:
            self._stabilisers.clear()
        if want_confidence or settings.confidence_threshold > 0.0 or settings.target_error > 0.0:
            confidence = self._calibrated(route, mask, confidence, illumination)
        withheld = _withhold(settings, mask, confidence, box)
        restore = box.undo if full_size else box.cut
        full_mask = restore(mask, mask_out)
        full_confidence = restore(confidence, confidence_out) if want_confidence else None
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
            withheld,
            found,
            hazy,
        )

    def _run(
        self, route: str, frame: Image, order: str, watch: Stopwatch
    ) -> tuple[Image, Image, Image, Letterbox]:
        """Return the network's view of the frame, its mask and confidence, and its letterbox."""
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
            # Cropped and boxed again even for equal sizes: a translator paints over the bars.
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
        return image, mask, confidence, box

    def _calibrated(self, route: str, mask: Image, confidence: Image, illumination: float) -> Image:
        """Return the probability that each pixel is right, where the model is calibrated."""
        tables = self._tables.get(ENGINES_OF[route][-1])
        return confidence if tables is None else tables.apply(mask, confidence, illumination)

    def _need_calibrations(self, wanted: Collection[str]) -> None:
        used = {ENGINES_OF[route][-1] for route in set(wanted) & set(self.routes)}
        if missing := sorted(used - self._tables.keys()):
            raise NightsegError(
                f"target_error needs calibrated models, and the {' and the '.join(missing)} model "
                "is not; run `nightseg calibrate` on it, or set target_error to 0"
            )

    def _route(
        self,
        settings: PipelineSettings,
        camera: str,
        illumination: float,
        now_s: float,
        failed: Collection[str] = (),
        outside: Collection[str] = (),
    ) -> tuple[str, str]:
        if camera not in self._routers:
            self._routers[camera] = Router(settings.policy, self.routes)
        router = self._routers[camera]
        router.policy = settings.policy
        paused = self._guard.paused() if self._guard is not None else {}
        if paused and not self._others(settings, camera, {*paused, *failed}):
            paused = {}  # better a route that failed a moment ago than none
        without = {*paused, *failed}
        if settings.route != AUTO and settings.route not in without:
            return router.hold(settings.route, now_s)
        latencies: dict[str, float] = {}
        if settings.policy.latency_budget_ms > 0.0:
            latencies = self._history.estimates(now_s, settings.policy.latency_retry_s)
        route, reason = router.choose(
            illumination, now_s, latencies, without=without, outside=outside
        )
        notes = [note for name, note in paused.items() if name != route]
        router.left_out = "; ".join([*filter(None, [router.left_out]), *notes])
        return route, "; ".join([reason, *notes])

    def _others(
        self, settings: PipelineSettings, camera: str, without: Collection[str]
    ) -> list[str]:
        """Return the routes that may be taken instead; the requested one is always among them."""
        requested = {settings.route} & set(self.routes)
        return [x for x in {*self._routers[camera].candidates(), *requested} if x not in without]

    def _box(self, source_hw: tuple[int, int], target_hw: tuple[int, int]) -> Letterbox:
        key = (source_hw, target_hw)
        if key not in self._boxes:
            if len(self._boxes) >= MAX_GEOMETRIES:  # a folder of images of all sizes
                self._boxes.clear()
            self._boxes[key] = Letterbox(source_hw, target_hw)
        return self._boxes[key]


def _withhold(
    settings: PipelineSettings, mask: Image, confidence: Image, box: Letterbox
) -> float | None:
    """Turn pixels of `mask` that are too unsure to 255; return their share for the target error."""
    withheld = None
    if settings.target_error > 0.0:
        least, withheld = threshold_for(histogram(box.crop(confidence)), settings.target_error)
        withhold_below(mask, confidence, least)
    if settings.confidence_threshold > 0.0:
        withhold_below(mask, confidence, math.ceil(settings.confidence_threshold * 255))
    return withheld


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
