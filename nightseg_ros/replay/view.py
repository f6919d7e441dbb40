# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the pipeline over a recording and logs each frame to a viewer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightseg_ros.bags.frames import FrameReader, camera_name
from nightseg_ros.perception.image_messages import DecodedImage
from nightseg_ros.replay.background import ReadAhead, WriteBehind

if TYPE_CHECKING:
    from nightseg_ros.perception.frame_result import FrameResult
    from nightseg_ros.perception.pipeline import Pipeline
    from nightseg_ros.replay.rerun_log import RerunLog


@dataclass(frozen=True)
class ViewFrame:
    """A frame of any source; `image` is None where it could not be read."""

    index: int
    camera: str
    stamp_ns: int
    now_s: float
    image: DecodedImage | None
    new_scene: bool = False
    """Whether to reset the router: an image of a folder does not continue the previous one."""


def bag_frames(reader: FrameReader) -> Iterator[ViewFrame]:
    """Yield the frames of a bag or a video."""
    for frame in reader:
        yield ViewFrame(
            frame.index,
            camera_name(frame.topic),
            frame.stamp_ns or frame.bag_ns,
            frame.bag_ns / 1e9,
            frame.image,
        )


def view(
    frames: Iterable[ViewFrame],
    pipeline: Pipeline,
    log: RerunLog,
    advance: Callable[[str], None],
    every: int = 1,
) -> dict[str, int]:
    """Run and log every n-th frame; return the numbers of shown and of unreadable frames."""
    counts = {"frames": 0, "failed": 0}
    passed: Counter[str] = Counter()
    with ReadAhead(frames) as ahead, WriteBehind() as writer:
        for frame in ahead:
            due = passed[frame.camera] % every == 0
            passed[frame.camera] += 1
            if frame.image is None:
                counts["failed"] += 1
            elif due:
                if frame.new_scene:
                    pipeline.forget(frame.camera)
                pixels, order = frame.image.pixels, frame.image.order
                result = pipeline.process(
                    pixels, order, frame.camera, frame.now_s, want_confidence=True
                )
                writer.submit(_log, log, frame, result)
                counts["frames"] += 1
            advance(frame.camera)
        writer.submit(log.flush)
    return counts


def _log(log: RerunLog, frame: ViewFrame, result: FrameResult) -> None:
    assert frame.image is not None
    log.frame(frame.index, frame.camera, frame.stamp_ns, frame.image.bgr(), result)
