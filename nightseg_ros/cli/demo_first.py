# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The first seconds of `nightseg demo`: one overlay to look at, and how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bags.frames import FrameReader
from nightseg_ros.bundles.choice import shared_labels
from nightseg_ros.bundles.routes import AUTO
from nightseg_ros.cli.demo_subject import DRIVE_FRAMES, Subject, SubjectOptions
from nightseg_ros.drive.render import Renderer
from nightseg_ros.files.atomic import write_atomically
from nightseg_ros.perception.overlay import draw_over
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings
from nightseg_ros.replay.view import bag_frames

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle
    from nightseg_ros.cli.options.models import EngineOptions

FIRST = "first.jpg"
AT = 0.9
"""Where on the drive the first picture is: by night."""
BUDGET_S = 120.0
FEWEST_FRAMES = 40
START_S = 10.0
"""To start and end the nodes, and to write the report."""


class Pace(NamedTuple):
    """Seconds of one frame on this machine."""

    render_s: float
    routes_s: float
    """Of every route once, as the comparison takes them."""

    def frames(self, fps: float) -> int:
        """Return how many frames a rendered drive may have, so that the demo ends in time."""
        most = int((BUDGET_S - START_S) / (self.render_s + self.routes_s + 1.0 / fps))
        return max(FEWEST_FRAMES, min(DRIVE_FRAMES, most))

    def rest_s(self, rendered: int, played_s: float, compared: int) -> float:
        """Return about how long the rest will take."""
        return START_S + rendered * self.render_s + played_s + compared * self.routes_s


def rendered_frame(options: SubjectOptions) -> tuple[NDArray[np.uint8], float]:
    """Return a frame of the drive, and the seconds that it took after its street was planned."""
    height, width = options.size
    frames = options.frames or DRIVE_FRAMES
    renderer = Renderer(options.seed, frames, (width, height), options.fps)
    start_s = time.perf_counter()
    image = renderer.frame(int(AT * frames)).image_bgr
    return image, time.perf_counter() - start_s


def recorded_frame(subject: Subject) -> NDArray[np.uint8] | None:
    """Return the first frame of a recording that can be read."""
    for frame in bag_frames(FrameReader(subject.played, [subject.camera])):
        if frame.image is not None:
            return frame.image.bgr()
    return None


def first_overlay(
    image: NDArray[np.uint8],
    bundles: Mapping[str, Bundle],
    engines: EngineOptions,
    file: Path,
    shown: Callable[[], object],
) -> float:
    """Write the image beside its overlay and call `shown`; return the seconds of all routes."""
    labels = shared_labels(bundles.values())
    with engines.running(bundles) as running:
        pipeline = Pipeline(running)
        result = pipeline.process(image)
        seen = draw_over(image, result.mask, labels, 0.5, f"{AUTO}: {result.route}")
        good, data = cv2.imencode(".jpg", np.hstack([image, seen]))
        if good:
            write_atomically(file, data.tobytes())
            shown()
        start_s = time.perf_counter()
        for route in pipeline.routes:
            pipeline.settings = PipelineSettings(route=route)
            pipeline.process(image)
        return time.perf_counter() - start_s
