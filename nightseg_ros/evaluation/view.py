# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the pipeline over a recording for the eye: each frame goes to a log, none is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from nightseg_ros.evaluation.bags.frames import FrameReader, camera_name
from nightseg_ros.evaluation.replay.background import ReadAhead, WriteBehind
from nightseg_ros.perception.pipeline import FrameResult, Image, Pipeline


@dataclass(frozen=True)
class ViewFrame:
    """A frame of any source; `pixels` are None where it could not be read."""

    index: int
    camera: str
    stamp_ns: int
    now_s: float
    pixels: Image | None
    order: str = "bgr"
    new_scene: bool = False
    """The router must not go on from the frame before: an image of a folder."""


class Log(Protocol):
    """Where frames go."""

    def frame(
        self, index: int, camera: str, stamp_ns: int, bgr: Image, result: FrameResult
    ) -> None:
        """Take one."""

    def flush(self) -> None:
        """Let none be on its way any more."""


def bag_frames(reader: FrameReader) -> Iterator[ViewFrame]:
    """Yield the frames of a bag or a video."""
    for frame in reader:
        yield ViewFrame(
            frame.index,
            camera_name(frame.topic),
            frame.stamp_ns or frame.bag_ns,
            frame.bag_ns / 1e9,
            None if frame.image is None else frame.image.pixels,
            "bgr" if frame.image is None else frame.image.order,
        )


def view(
    frames: Iterable[ViewFrame],
    pipeline: Pipeline,
    log: Log,
    advance: Callable[[str], None],
    every: int = 1,
) -> dict[str, int]:
    """Run every n-th frame and log it; return how many were shown, and how many unreadable."""
    counts = {"frames": 0, "failed": 0}
    passed: Counter[str] = Counter()
    with ReadAhead(frames) as ahead, WriteBehind() as writer:
        for frame in ahead:
            due = passed[frame.camera] % every == 0
            passed[frame.camera] += 1
            if frame.pixels is None:
                counts["failed"] += 1
            elif due:
                if frame.new_scene:
                    pipeline.forget(frame.camera)
                result = pipeline.process(
                    frame.pixels, frame.order, frame.camera, frame.now_s, want_confidence=True
                )
                writer.submit(_log, log, frame, result)
                counts["frames"] += 1
            advance(frame.camera)
        writer.submit(log.flush)
    return counts


def _log(log: Log, frame: ViewFrame, result: FrameResult) -> None:
    bgr = frame.pixels
    assert bgr is not None
    if frame.order == "rgb":
        bgr = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_RGB2BGR), np.uint8)
    log.frame(frame.index, frame.camera, frame.stamp_ns, bgr, result)
