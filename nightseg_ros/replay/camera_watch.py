# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Watches the cameras of a recording as the node watches its own, and lists their faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from nightseg_ros.labels.label_set import IGNORE
from nightseg_ros.perception.camera_health import CameraHealth, Health

if TYPE_CHECKING:
    from nightseg_ros.bags.frames import BagFrame
    from nightseg_ros.perception.frame_result import FrameResult
    from nightseg_ros.replay.rows import Row

FAULTS_KEPT = 200


class CameraWatch:
    """Looks at the frames of every camera in their order."""

    def __init__(self) -> None:
        self._watches: dict[str, CameraHealth] = {}
        self._health: dict[str, Health] = {}

    def look(self, frame: BagFrame) -> Row:
        """Judge the camera of a frame; return what its row says about it."""
        assert frame.image is not None
        watch = self._watches.setdefault(frame.topic, CameraHealth())
        # A camera without stamps would stand still.
        at_s = (frame.stamp_ns or frame.bag_ns) / 1e9
        health = watch.update(frame.image.pixels, frame.image.order, at_s)
        self._health[frame.topic] = health
        return {
            "visibility": round(health.visibility, 4),
            "faults": list(health.faults),
            "region": health.region(),
        }

    def drop_invalid(self, topic: str, results: Iterable[FrameResult]) -> None:
        """Make 255 of what the frames before did not show: the node knows no more in time."""
        health = self._health.get(topic, Health())
        for result in results if health.invalid.any() else ():
            result.mask[health.invalid_mask(*result.mask.shape) > 0] = IGNORE


@dataclass
class FaultSpan:
    """From the first to the last frame of a camera with a fault."""

    topic: str
    fault: str
    start_ns: int
    """In the time of the bag."""
    end_ns: int
    visibility: float
    """The least meanwhile."""
    region: str
    """What did not show the scene then."""


class FaultSpans:
    """Collects the faults of all cameras, row by row."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], FaultSpan] = {}
        self._spans: list[FaultSpan] = []
        self._left_out = 0

    def add(self, row: Row) -> None:
        """Add the row of a frame that could be read."""
        topic, now = row["topic"], row["bag_ns"]
        for key in [key for key in self._open if key[0] == topic and key[1] not in row["faults"]]:
            del self._open[key]
        for fault in row["faults"]:
            seen = FaultSpan(topic, fault, now, now, row["visibility"], row["region"])
            span = self._open.setdefault((topic, fault), seen)
            span.end_ns = now
            if row["visibility"] < span.visibility:
                span.visibility, span.region = row["visibility"], row["region"]
            if span is not seen:
                continue
            if len(self._spans) < FAULTS_KEPT:
                self._spans.append(span)
            else:
                self._left_out += 1

    def to_dict(self) -> dict[str, Any]:
        """Return the first faults, and how many more there are."""
        return {"faults": [asdict(s) for s in self._spans], "faults_left_out": self._left_out}


def faults_text(faults: Iterable[dict[str, Any]]) -> str:
    """Return for how long each camera had which fault.

    >>> covered = {"topic": "/cam", "fault": "covered", "start_ns": 0, "end_ns": 2 * 10**9}
    >>> faults_text([covered, covered, {**covered, "fault": "frozen"}])
    '/cam: covered 4.0 s, frozen 2.0 s'
    """
    cameras: dict[str, Counter[str]] = {}
    for one in faults:
        times = cameras.setdefault(one["topic"], Counter())
        times[one["fault"]] += one["end_ns"] - one["start_ns"]
    return "; ".join(
        f"{topic}: {', '.join(f'{fault} {ns / 1e9:.1f} s' for fault, ns in times.items())}"
        for topic, times in cameras.items()
    )
