# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sends frames and their results to the Rerun viewer, or into an .rrd file."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import cv2
import numpy as np

from nightseg_ros.bundles.routes import ROUTES
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import IGNORE, LabelSet
from nightseg_ros.perception.timing import STAGES
from nightseg_ros.replay.rerun_file import RerunPipe, rerun_file

if TYPE_CHECKING:
    from nightseg_ros.perception.frame_result import FrameResult, Image

JPEG_QUALITY = 85
FLUSH_EVERY = 10
"""Wait after this many frames until all are sent, so that a slow viewer fills no memory here."""
FIRST_DATE_NS = 10**17
"""Stamps before 1973 are not dates but simulated time, or the time in a video."""


def load_rerun() -> Any:
    """Return the module; NightsegError with the remedy where it is missing."""
    try:
        return importlib.import_module("rerun")
    except ImportError as error:
        raise NightsegError(
            f"Rerun cannot be imported ({error}); pip install '.[rerun]' in the folder of "
            "nightseg_ros, or pip install rerun-sdk"
        ) from error


@final
class RerunLog:
    """One recording; open it with `save`, `show` or `send`, then log frames from ONE thread.

    A file exists once the `with` block has ended without an error.
    """

    def __init__(self, rerun: Any, labels: LabelSet, cameras: Sequence[str]) -> None:
        self._rr, self._labels, self._cameras = rerun, labels, tuple(cameras)
        self._recording = rerun.RecordingStream("nightseg")
        self._route: dict[str, str] = {}
        self._frames = 0
        self._pipe: RerunPipe | None = None
        self._held = ExitStack()

    def __enter__(self) -> RerunLog:
        return self

    def __exit__(self, *error: Any) -> None:  # noqa: PYI036 - passed on as they come
        self._held.callback(self._recording.disconnect)  # before the file is closed
        self._held.__exit__(*error)

    def save(self, path: Path) -> None:
        """Write into a file."""
        self._pipe = self._held.enter_context(rerun_file(path))
        self._recording.save(str(self._pipe.path), default_blueprint=self._blueprint())
        self._describe()

    def show(self, memory: str) -> None:
        """Start the viewer on this machine; over `memory` it drops the oldest frames."""
        displays = ("DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET")
        if sys.platform == "linux" and not any(os.environ.get(name) for name in displays):
            raise NightsegError(
                "there is no display for the Rerun viewer (DISPLAY and WAYLAND_DISPLAY are not "
                "set); write a file with --save OUT.rrd, or name a viewer with --connect URL"
            )
        # A Python that was called by its path has `rerun` next to it, outside the PATH.
        if shutil.which("rerun") is None:
            os.environ["PATH"] += os.pathsep + str(Path(sys.executable).parent)
        try:
            self._recording.spawn(memory_limit=memory, default_blueprint=self._blueprint())
        except Exception as error:  # from the system or the library, without a common base
            raise NightsegError(
                f"the Rerun viewer cannot be started ({error}); write a file with --save OUT.rrd"
            ) from error
        self._describe()

    def send(self, url: str) -> None:
        """Send to a running viewer, for example rerun+http://HOST:9876/proxy."""
        try:
            self._recording.connect_grpc(url, default_blueprint=self._blueprint())
        except Exception as error:  # as above
            raise NightsegError(f"--connect {url}: {error}") from error
        self._describe()
        self.flush()  # detect a missing viewer before loading the models

    def frame(
        self, index: int, camera: str, stamp_ns: int, bgr: Image, result: FrameResult
    ) -> None:
        """Log one frame."""
        rr, log = self._rr, self._recording.log
        self._recording.set_time("frame", sequence=index)
        if stamp_ns >= FIRST_DATE_NS:
            self._recording.set_time("stamp", timestamp=np.datetime64(stamp_ns, "ns"))
        else:
            self._recording.set_time("stamp", duration=np.timedelta64(stamp_ns, "ns"))
        log(f"{camera}/image", self._jpeg(bgr))
        log(f"{camera}/mask", rr.SegmentationImage(result.mask))
        if result.confidence is not None:
            log(f"{camera}/confidence", self._jpeg(result.confidence))
        log(f"{camera}/illumination", rr.Scalars(result.illumination))
        log(f"{camera}/route", rr.Scalars(ROUTES.index(result.route)))
        if self._route.get(camera) != result.route:
            self._route[camera] = result.route
            text = f"{camera}: {result.route} ({result.reason})"
            log(f"{camera}/routing", rr.TextLog(text, level="INFO"))
        for stage, ms in result.times_ms.items():
            log(f"{camera}/latency_ms/{stage}", rr.Scalars(ms))
        self._frames += 1
        if self._frames % FLUSH_EVERY == 0:
            self.flush()

    def flush(self) -> None:
        """Wait until all frames are in the file or at the viewer."""
        try:
            self._recording.flush()
        except Exception as error:  # as above
            raise NightsegError(f"the connection to the Rerun viewer is lost ({error})") from error
        if self._pipe is not None:
            self._pipe.check()

    def _jpeg(self, pixels: Image) -> Any:
        good, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if not good:
            raise NightsegError(f"an image of {list(pixels.shape)} could not be encoded as JPEG")
        return self._rr.EncodedImage(contents=data.tobytes(), media_type="image/jpeg")

    def _describe(self) -> None:
        """Log static data: the classes, and the names of the curves."""
        rr = self._rr
        classes = [(label.id, label.name, label.color) for label in self._labels.labels]
        context = rr.AnnotationContext([*classes, (IGNORE, "unlabelled", (0, 0, 0, 0))])
        numbers = ", ".join(f"{number} {route}" for number, route in enumerate(ROUTES))
        for camera in self._cameras:
            self._recording.log(camera, context, static=True)
            names = {"illumination": "illumination", "route": f"route ({numbers})"}
            names |= {f"latency_ms/{stage}": stage for stage in (*STAGES, "total")}
            for entity, name in names.items():
                lines = rr.SeriesLines(names=name)
                self._recording.log(f"{camera}/{entity}", lines, static=True)

    def _blueprint(self) -> Any:
        """Return the layout: the cameras above, their curves and routes below."""
        part = importlib.import_module(f"{self._rr.__name__}.blueprint")
        columns = []
        for camera in self._cameras:
            over = ["$origin/image", "$origin/mask"]
            views = [
                part.Spatial2DView(origin=f"/{camera}", contents=over, name=camera),
                part.Spatial2DView(origin=f"/{camera}/confidence", name="confidence"),
            ]
            light = ["$origin/illumination", "$origin/route"]
            curves = [
                part.TimeSeriesView(origin=f"/{camera}/latency_ms", name="latency in ms"),
                part.TimeSeriesView(origin=f"/{camera}", contents=light, name="light and route"),
            ]
            column = (part.Tabs(*views), *curves)
            columns.append(part.Vertical(*column, row_shares=[3, 1, 1], name=camera))
        routing = [f"/{camera}/routing" for camera in self._cameras]
        log = part.TextLogView(origin="/", contents=routing, name="routes taken")
        cameras = part.Horizontal(*columns)
        return part.Blueprint(part.Vertical(cameras, log, row_shares=[5, 1]), collapse_panels=True)
