# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Takes in what a drive produced, frame by frame, writes the pictures and sums up; knows no ROS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.confusion import ConfusionMatrix
from nightseg_ros.evaluation.score_folders import scored_set
from nightseg_ros.labels import CITYSCAPES19, LabelSet

Image = NDArray[np.uint8]


@dataclass
class FrameRecord:
    """What became of one frame; what is None did not come."""

    index: int
    light: str
    sent_s: float | None = None
    latency_ms: float | None = None
    """From the stamp of the image to the arrival of its mask."""
    mask: str | None = None
    overlay: str | None = None
    route: str | None = None
    illumination: float | None = None


@dataclass
class Recorder:
    """Collects a drive. Every method may be called from the thread that receives."""

    out: Path
    lights: Sequence[str]
    """The light of each frame of the drive."""
    labels: LabelSet = CITYSCAPES19
    frames: list[FrameRecord] = field(init=False)
    stages: dict[str, list[float]] = field(init=False, default_factory=dict)
    status: dict[str, dict[str, str]] = field(init=False, default_factory=dict)
    """The latest diagnostics: task -> key -> value."""

    def __post_init__(self) -> None:
        self.frames = [FrameRecord(index, light) for index, light in enumerate(self.lights)]
        for name in ("masks", "overlays"):
            (self.out / name).mkdir(parents=True, exist_ok=True)
        # One thread writes, so that receiving never waits for the disk.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        self._writes: list[Future[bool]] = []

    def sent(self, index: int, at_s: float) -> None:
        """Note that a frame went out, in seconds since the first."""
        self.frames[index].sent_s = at_s

    def mask(self, index: int, mask: Image, latency_ms: float) -> None:
        """Take a mask of ids."""
        frame = self.frames[index]
        frame.mask, frame.latency_ms = f"masks/{index:06d}.png", latency_ms
        self._write(frame.mask, mask)

    def overlay(self, index: int, overlay_bgr: Image) -> None:
        """Take an overlay."""
        self.frames[index].overlay = f"overlays/{index:06d}.jpg"
        self._write(f"overlays/{index:06d}.jpg", overlay_bgr)

    def route(self, index: int, route: str) -> None:
        """Take the route of a frame."""
        self.frames[index].route = route

    def illumination(self, index: int, illumination: float) -> None:
        """Take the estimated illumination of a frame."""
        self.frames[index].illumination = illumination

    def stage(self, name: str, ms: float) -> None:
        """Take the duration of one stage of one frame."""
        self.stages.setdefault(name, []).append(ms)

    def close(self) -> None:
        """Wait until everything is on the disk."""
        self._writer.shutdown()
        if not all(write.result() for write in self._writes):
            raise NightsegError(f"could not write all pictures to {self.out}; is the disk full?")

    def summary(self) -> dict[str, Any]:
        """Return what the drive came to; figures that nothing was measured for are None."""
        sent = [frame for frame in self.frames if frame.sent_s is not None]
        done = [frame for frame in sent if frame.mask]
        routes = [frame.route for frame in done if frame.route]
        latencies = [frame.latency_ms for frame in done if frame.latency_ms is not None]
        span_s = (sent[-1].sent_s or 0.0) - (sent[0].sent_s or 0.0) if sent else 0.0
        return {
            "frames": len(self.frames),
            "sent": len(sent),
            "masks": len(done),
            "overlays": sum(frame.overlay is not None for frame in sent),
            "seconds": span_s,
            "masks_per_s": (len(done) - 1) / span_s if span_s > 0 and len(done) > 1 else None,
            "latency_ms": percentiles(latencies),
            "stages_ms": {name: percentiles(values) for name, values in self.stages.items()},
            "routes": dict(Counter(routes)),
            "route_changes": sum(a != b for a, b in pairwise(routes)),
            "labels": self.labels.name,
            "per_frame": [asdict(frame) for frame in self.frames],
        }

    def score(self, truth: Sequence[Path]) -> dict[str, Any]:
        """Return the mean IoU of the masks against the drive's labels: in all, and by light."""
        name = scored_set(CITYSCAPES19.name, self.labels.name)
        matrices: dict[str, ConfusionMatrix] = {}
        for frame in self.frames:
            if not frame.mask:
                continue
            ids = cv2.imread(str(truth[frame.index]), cv2.IMREAD_GRAYSCALE)
            mask = cv2.imread(str(self.out / frame.mask), cv2.IMREAD_GRAYSCALE)
            for key in ("all", frame.light):
                if key not in matrices:
                    matrices[key] = ConfusionMatrix(
                        name, truth_labels=CITYSCAPES19.name, prediction_labels=self.labels.name
                    )
                matrices[key].update(np.asarray(ids), np.asarray(mask))
        return {
            "labels": name,
            "miou": {key: matrix.compute().miou for key, matrix in matrices.items()},
        }

    def _write(self, name: str, image: Image) -> None:
        self._writes.append(self._writer.submit(cv2.imwrite, str(self.out / name), image))


def percentiles(values: Sequence[float]) -> Mapping[str, float] | None:
    """Return p50, p95, p99 and the largest value; None of nothing."""
    if not values:
        return None
    p50, p95, p99 = np.percentile(values, (50, 95, 99))
    return {"p50": float(p50), "p95": float(p95), "p99": float(p99), "max": float(max(values))}
