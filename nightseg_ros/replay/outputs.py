# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the results of each replayed frame: its row of figures, its masks, its messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from nightseg_ros.bags.frames import BagFrame, camera_name
from nightseg_ros.bags.source import Bag
from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import sweep, write_atomically
from nightseg_ros.labels.label_set import LabelSet
from nightseg_ros.metrics.confusion import ConfusionMatrix
from nightseg_ros.metrics.flicker import Motion, compared, motion
from nightseg_ros.perception.letterbox import to_gray
from nightseg_ros.perception.overlay import unsure
from nightseg_ros.replay.camera_watch import CameraWatch
from nightseg_ros.replay.rows import Row, RowFile, pair_names
from nightseg_ros.replay.strip import STRIP, Strip
from nightseg_ros.replay.truth import Truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nightseg_ros.bags.result import ResultBag
    from nightseg_ros.perception.frame_result import FrameResult
    from nightseg_ros.replay.summary import Summary

MASKS = "masks"


@dataclass(frozen=True, kw_only=True)
class ReplayJob:
    """The input and the outputs of a replay."""

    bag: Bag
    cameras: Sequence[str]
    out: Path
    route: str
    labels: LabelSet
    """The labels of the masks."""
    truth: Truth
    truth_names: Sequence[str] = ()
    """What the ground truth was named by."""
    truth_labels: LabelSet | str = ""
    scored: LabelSet | None = None
    confidence_threshold: float = 0.0
    stabilise: bool = False
    drop_invalid: bool = False
    masks: bool = False
    result_bag: Path | None = None
    bootstrap: int = 1000
    key: Mapping[str, Any] = field(default_factory=dict)
    """A stopped replay with the same key is resumed."""
    bundles: Mapping[str, Bundle] = field(default_factory=dict)
    """The models, for the diagnostics in `result_bag`."""
    decoders: int = 1
    """Threads that decode images ahead of the engines."""


class Outputs:
    """Scores and writes the frames one by one, in the writing thread."""

    def __init__(
        self, job: ReplayJob, rows: RowFile, summary: Summary, variants: Sequence[str]
    ) -> None:
        self._job, self._rows, self._summary = job, rows, summary
        self._cameras = CameraWatch()
        self._pairs = [pair.split("-") for pair in pair_names(variants)]
        self.bag: ResultBag | None = None
        self._before: dict[str, _Seen] = {}
        self._matrix: ConfusionMatrix | None = None
        if job.scored is not None:
            self._matrix = ConfusionMatrix(
                job.scored, truth_labels=job.truth_labels, prediction_labels=job.labels
            )
        scored = None if job.scored is None else (job.truth_labels, job.scored)
        for folder in (job.out / MASKS).glob("**/"):
            sweep(folder)
        folder, fresh = job.out / STRIP, not rows.done
        self._strip = Strip(folder, job.cameras, job.labels, scored, fresh=fresh)

    def recall(self, row: Row, frame: BagFrame) -> None:
        """Add the row of a frame from an earlier replay; its camera is watched again."""
        if frame.image is not None:
            self._cameras.look(frame)
        if not row["error"]:
            self._strip.seen(row["topic"], row["index"])
        self._summary.add(row)

    def remember(self, frame: BagFrame, results: dict[str, FrameResult]) -> None:
        """Store what the next frame is compared with; write nothing."""
        self._drop_invalid(frame, results)
        self._before[frame.topic] = _seen(frame, results)

    def write(self, frame: BagFrame, results: dict[str, FrameResult]) -> None:
        """Write one frame; its row comes last, after all its files."""
        row: Row = {
            "index": frame.index,
            "topic": frame.topic,
            "stamp_ns": frame.stamp_ns,
            "bag_ns": frame.bag_ns,
            "error": frame.error,
        }
        if results:
            self._drop_invalid(frame, results)
            row |= self._figures(frame, results) | self._cameras.look(frame)
            if self._strip.seen(frame.topic, frame.index):
                self._strip.write(frame, results)
            if self._job.masks:
                self._write_masks(frame, results)
            if self.bag is not None:
                self.bag.write(frame, list(results.values())[-1])
        self._rows.append(row)
        self._summary.add(row)

    def _drop_invalid(self, frame: BagFrame, results: Mapping[str, FrameResult]) -> None:
        if self._job.drop_invalid:
            self._cameras.drop_invalid(frame.topic, results.values())

    def _figures(self, frame: BagFrame, results: dict[str, FrameResult]) -> Row:
        now = _seen(frame, results)
        moved = _motion(self._before.get(frame.topic), now)
        row: Row = {
            "illumination": next(iter(results.values())).illumination,
            "followed": None if moved is None else round(float(moved.followed.mean()), 6),
            "routes": {
                name: {
                    "route": r.route,
                    "reason": r.reason,
                    "ms": r.times_ms,
                    "confidence": _mean(r.confidence),
                    "unsure": _unsure(r),
                    "novelty": None if r.novelty is None else round(r.novelty.value, 4),
                    "flicker": self._flicker(frame.topic, name, moved, now),
                }
                for name, r in results.items()
            },
            "same": {
                f"{a}-{b}": [
                    int(np.count_nonzero(results[a].mask == results[b].mask)),
                    results[a].mask.size,
                ]
                for a, b in self._pairs
            },
        }
        self._before[frame.topic] = now
        if self._matrix is not None and frame.truth is not None:
            row["counts"], row["accuracy"] = {}, {}
            for name, result in results.items():
                try:
                    counts = self._matrix.count(frame.truth, result.mask)
                except NightsegError as error:
                    raise NightsegError(f"frame {frame.stamp_ns}: {error}") from error
                flat = counts.ravel()
                cells = np.flatnonzero(flat)
                row["counts"][name] = [cells.tolist(), flat[cells].tolist(), frame.truth.size]
                if counts.sum():
                    right = np.trace(counts[:, :-1]) / counts.sum()
                    row["accuracy"][name] = round(float(right), 6)
        return row

    def _flicker(self, topic: str, name: str, moved: Motion | None, now: _Seen) -> float | None:
        if moved is None:
            return None
        share = moved.flicker(self._before[topic].masks[name], now.masks[name])
        return None if share is None else round(share, 6)

    def _write_masks(self, frame: BagFrame, results: dict[str, FrameResult]) -> None:
        for name, result in results.items():
            folder = self._job.out / MASKS / (name if len(results) > 1 else "")
            folder /= camera_name(frame.topic)
            folder.mkdir(parents=True, exist_ok=True)
            good, data = cv2.imencode(".png", result.mask, [cv2.IMWRITE_PNG_COMPRESSION, 1])
            if not good:
                raise NightsegError(f"a mask of {list(result.mask.shape)} could not be encoded")
            # A camera without stamps would write all its masks into 0.png.
            file = folder / f"{frame.stamp_ns or frame.bag_ns}.png"
            write_atomically(file, data.tobytes(), one_of_many=True)


def _mean(confidence: NDArray[np.uint8] | None) -> float | None:
    """Return the mean confidence, 0 to 1."""
    if confidence is None:
        return None
    mean: float = cv2.mean(confidence)[0]
    return round(mean / 255, 5)


def _unsure(result: FrameResult) -> float | None:
    """Return the share of the pixels that have a class but little confidence."""
    if result.confidence is None:
        return None
    pixels = cv2.countNonZero(unsure(result.mask, result.confidence))
    return round(pixels / result.mask.size, 6)


class _Seen(NamedTuple):
    """What the next frame of a camera is compared with."""

    gray: NDArray[np.uint8]
    masks: dict[str, NDArray[np.uint8]]


def _seen(frame: BagFrame, results: dict[str, FrameResult]) -> _Seen:
    assert frame.image is not None
    small = compared(frame.image.pixels, cv2.INTER_AREA)
    masks = {name: compared(result.mask) for name, result in results.items()}
    return _Seen(to_gray(small, frame.image.order), masks)


def _motion(before: _Seen | None, now: _Seen) -> Motion | None:
    if before is None or before.gray.shape != now.gray.shape:
        return None
    return motion(before.gray, now.gray)
