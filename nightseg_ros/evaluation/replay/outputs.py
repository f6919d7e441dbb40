# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a replay writes of each frame: its row of figures, its masks, its messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.atomic import write_atomically
from nightseg_ros.bundle import Bundle
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bags.frames import BagFrame, camera_name
from nightseg_ros.evaluation.bags.result import ResultBag
from nightseg_ros.evaluation.bags.source import Bag
from nightseg_ros.evaluation.confusion import ConfusionMatrix
from nightseg_ros.evaluation.replay.rows import Row, RowFile, pair_names
from nightseg_ros.evaluation.replay.strip import STRIP, Strip
from nightseg_ros.evaluation.replay.summary import Summary
from nightseg_ros.evaluation.replay.truth import Truth
from nightseg_ros.labels import LabelSet
from nightseg_ros.perception.pipeline import FrameResult

MASKS = "masks"


@dataclass(frozen=True)
class ReplayJob:
    """What is to be replayed, and what is to come of it."""

    bag: Bag
    cameras: Sequence[str]
    out: Path
    route: str
    labels: LabelSet
    """Those of the masks."""
    truth: Truth
    truth_labels: str = ""
    scored: LabelSet | None = None
    confidence_threshold: float = 0.0
    masks: bool = False
    result_bag: Path | None = None
    bootstrap: int = 1000
    key: Mapping[str, Any] | None = None
    """What an earlier, stopped replay must share to be continued."""
    bundles: Mapping[str, Bundle] | None = None
    """The models, for what `result_bag` says of them."""
    decoders: int = 1
    """Threads that decode images ahead of the engines."""


class Outputs:
    """Scores and writes one frame after the other, in the writing thread."""

    def __init__(
        self, job: ReplayJob, rows: RowFile, summary: Summary, variants: Sequence[str]
    ) -> None:
        self._job, self._rows, self._summary = job, rows, summary
        self._pairs = [pair.split("-") for pair in pair_names(variants)]
        self.bag: ResultBag | None = None
        self._before: dict[tuple[str, str], NDArray[np.uint8]] = {}
        self._matrix: ConfusionMatrix | None = None
        if job.scored is not None:
            self._matrix = ConfusionMatrix(
                job.scored, truth_labels=job.truth_labels, prediction_labels=job.labels.name
            )
        scored = None if job.scored is None else (job.truth_labels, job.scored)
        folder, fresh = job.out / STRIP, not rows.done
        self._strip = Strip(folder, job.cameras, job.labels, scored, fresh=fresh)

    def recall(self, row: Row) -> None:
        """Take the row of a frame that an earlier replay wrote."""
        if not row["error"]:
            self._strip.seen(row["topic"], row["index"])
        self._summary.add(row)

    def remember(self, frame: BagFrame, results: dict[str, FrameResult]) -> None:
        """Take the masks that the next ones will be compared with, and write nothing."""
        for name, result in results.items():
            self._before[name, frame.topic] = result.mask

    def write(self, frame: BagFrame, results: dict[str, FrameResult]) -> None:
        """Take one frame; its row comes last, when all else of it is on the disk."""
        row: Row = {
            "index": frame.index,
            "topic": frame.topic,
            "stamp_ns": frame.stamp_ns,
            "bag_ns": frame.bag_ns,
            "error": frame.error,
        }
        if results:
            row |= self._figures(frame, results)
            if self._strip.seen(frame.topic, frame.index):
                self._strip.write(frame, results)
            if self._job.masks:
                self._write_masks(frame, results)
            if self.bag is not None:
                self.bag.write(frame, list(results.values())[-1])
        self._rows.append(row)
        self._summary.add(row)

    def _figures(self, frame: BagFrame, results: dict[str, FrameResult]) -> Row:
        row: Row = {
            "illumination": next(iter(results.values())).illumination,
            "routes": {
                name: {
                    "route": r.route,
                    "reason": r.reason,
                    "ms": r.times_ms,
                    "confidence": _mean(r.confidence),
                    "flicker": _changed(self._before.get((name, frame.topic)), r.mask),
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
        self.remember(frame, results)
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

    def _write_masks(self, frame: BagFrame, results: dict[str, FrameResult]) -> None:
        for name, result in results.items():
            folder = self._job.out / MASKS / (name if len(results) > 1 else "")
            folder /= camera_name(frame.topic)
            folder.mkdir(parents=True, exist_ok=True)
            good, data = cv2.imencode(".png", result.mask, [cv2.IMWRITE_PNG_COMPRESSION, 1])
            if not good:
                raise NightsegError(f"a mask of {list(result.mask.shape)} could not be encoded")
            # A camera without stamps would write all its masks into 0.png.
            write_atomically(folder / f"{frame.stamp_ns or frame.bag_ns}.png", data.tobytes())


def _mean(confidence: NDArray[np.uint8] | None) -> float | None:
    """Return the mean confidence, 0 to 1."""
    if confidence is None:
        return None
    mean: float = cv2.mean(confidence)[0]
    return round(mean / 255, 5)


def _changed(before: NDArray[np.uint8] | None, mask: NDArray[np.uint8]) -> float | None:
    """Return the share of pixels whose class is another one than in the frame before."""
    if before is None or before.shape != mask.shape:
        return None
    return round(int(np.count_nonzero(before != mask)) / mask.size, 6)
