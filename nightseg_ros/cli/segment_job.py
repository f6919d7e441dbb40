# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a pipeline over images and videos, and writes masks and overlays."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from nightseg_ros.bags.video import is_video
from nightseg_ros.cli.progress import Progress
from nightseg_ros.cli.segment_inputs import MASK, OVERLAY, Frame, count_frames, read_frames
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import write_atomically
from nightseg_ros.perception.overlay import draw_over

if TYPE_CHECKING:
    from nightseg_ros.labels.label_set import LabelSet
    from nightseg_ros.perception.frame_result import Image
    from nightseg_ros.perception.pipeline import Pipeline

OVERLAY_ALPHA = 0.5


class SegmentJob:
    """What one call has done so far."""

    def __init__(self, pipeline: Pipeline, out: Path, overlay_labels: LabelSet | None) -> None:
        self.pipeline = pipeline
        self.out = out
        self.labels = overlay_labels
        self.routes: Counter[str] = Counter()
        self.total_ms: list[float] = []
        self.failed: list[dict[str, str]] = []

    def segment(self, files: list[Path]) -> None:
        """Write the masks of everything that can be read; keep the reasons why others cannot."""
        self.out.mkdir(parents=True, exist_ok=True)
        total = sum(count_frames(file) for file in files)
        with Progress(total, "segment") as progress:
            for file in files:
                try:
                    for frame in read_frames(file):
                        self._frame(frame)
                        progress.advance(note=frame.stem)
                except NightsegError as error:
                    self.failed.append({"input": str(file), "reason": str(error)})
                    progress.advance(0 if is_video(file) else 1)
                # The next file is another scene: neither smoothing nor dwell time carry over.
                self.pipeline.forget("")

    def _frame(self, frame: Frame) -> None:
        result = self.pipeline.process(
            frame.image, "bgr", now_s=frame.time_s, want_confidence=self.labels is not None
        )
        self._write(f"{frame.stem}{MASK}", result.mask)
        route, ms = result.route, result.times_ms["total"]
        if self.labels is not None:
            picture = draw_over(
                frame.image, result.mask, self.labels, OVERLAY_ALPHA, route, ms, result.confidence
            )
            self._write(f"{frame.stem}{OVERLAY}", picture)
        self.routes[route] += 1
        self.total_ms.append(ms)

    def _write(self, name: str, picture: Image) -> None:
        good, data = cv2.imencode(Path(name).suffix, picture)
        if not good:
            raise NightsegError(f"OpenCV cannot write {name}: {list(picture.shape)} pixels")
        write_atomically(self.out / name, data.tobytes(), one_of_many=True)
