# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the pipeline over a set of images and records what tables and reports need."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nightseg_ros.files.csv_file import write_csv
from nightseg_ros.labels.label_set import IGNORE
from nightseg_ros.report.pictures import FrameViews, encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nightseg_ros.metrics.confidence import ConfidenceCounts
    from nightseg_ros.perception.frame_result import FrameResult
    from nightseg_ros.perception.pipeline import Pipeline
    from nightseg_ros.replay.evaluate import Evaluated
    from nightseg_ros.replay.submission import Submission

WORST = 12
"""Images with the fewest right pixels kept for the report."""
SPREAD = 12
"""Other images kept for the report, from all over the set."""


@dataclass(frozen=True)
class ImageRow:
    """The results of one image."""

    name: str
    time_of_day: str
    route: str
    illumination: float
    confidence: float
    total_ms: float
    right: float | None


@dataclass(frozen=True)
class Kept:
    """One image for the report; pictures are name -> suffix and bytes."""

    row: ImageRow
    pictures: Mapping[str, tuple[str, bytes]]


class SetRun:
    """Predicts images one by one and records the results."""

    def __init__(
        self,
        pipeline: Pipeline,
        views: FrameViews | None = None,
        submission: Submission | None = None,
        counts: ConfidenceCounts | None = None,
    ) -> None:
        """With `views` pictures are kept, with `submission` masks are written.

        `counts` gets the confidences of labelled images.
        """
        self._pipeline, self._views, self._submission = pipeline, views, submission
        self._counts = counts
        self.routes: Counter[str] = Counter()
        self.rows: list[ImageRow] = []
        self.times: list[dict[str, float]] = []
        self._unlabelled: list[float] = []
        self._last: FrameResult | None = None
        self._worst: list[tuple[float, int, Kept]] = []
        self._spread: dict[int, Kept] = {}
        self._every = 1

    def predict(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the mask of an RGB image."""
        users = (self._views, self._submission, self._counts)
        wanted = any(user is not None for user in users)
        result = self._pipeline.process(image, "rgb", want_confidence=wanted)
        self._pipeline.forget("")  # a set is not a video: each image chooses its route afresh
        self.routes[result.route] += 1
        self.times.append(result.times_ms)
        self._unlabelled.append(float((result.mask == IGNORE).mean()))
        self._last = result
        return result.mask

    @property
    def withheld(self) -> float:
        """The mean share of pixels without a class; networks give every pixel one."""
        return float(np.mean(self._unlabelled))

    def record(self, image: Evaluated) -> None:
        """Record the image that was predicted last."""
        result = self._last
        assert result is not None
        confidence = math.nan if result.confidence is None else float(result.confidence.mean())
        row = ImageRow(
            image.sample.name,
            image.sample.time_of_day,
            result.route,
            result.illumination,
            confidence / 255,
            result.times_ms["total"],
            image.right,
        )
        if self._counts is not None and image.truth is not None:
            assert result.confidence is not None
            invalid = image.sample.load_invalid()
            self._counts.update(image.truth, image.mask, result.confidence, invalid)
        if self._submission is not None:
            assert result.confidence is not None
            self._submission.write(image.sample.image, image.mask, result.confidence)
        if self._views is not None:
            self._keep(image, row, result)
        self.rows.append(row)

    def shown(self) -> list[Kept]:
        """Return the images of the report: the worst first, then others."""
        worst = [kept for _, _, kept in sorted(self._worst, key=lambda entry: -entry[0])]
        names = {kept.row.name for kept in worst}
        return [*worst, *(k for k in self._spread.values() if k.row.name not in names)]

    def write_csv(self, file: Path) -> None:
        """Write the results of each image as a table."""
        fields = list(ImageRow.__dataclass_fields__)
        rows = ([_cell(getattr(row, name)) for name in fields] for row in self.rows)
        write_csv(file, fields, rows)

    def _keep(self, image: Evaluated, row: ImageRow, result: FrameResult) -> None:
        number = len(self.rows)
        badness = -math.inf if row.right is None or math.isnan(row.right) else -row.right
        bad = badness > -math.inf and (len(self._worst) < WORST or badness > self._worst[0][0])
        even = number % self._every == 0
        if not bad and not even:
            return
        assert self._views is not None
        bgr = np.ascontiguousarray(image.image[..., ::-1])
        pictures = self._views.of(bgr, image.mask, result.confidence, truth=image.truth)
        kept = Kept(row, {name: encoded(name, picture) for name, picture in pictures.items()})
        if bad:
            heapq.heappush(self._worst, (badness, -number, kept))
            if len(self._worst) > WORST:
                heapq.heappop(self._worst)
        if even:
            if len(self._spread) == SPREAD:
                self._every *= 2
                self._spread = {n: k for n, k in self._spread.items() if n % self._every == 0}
            if number % self._every == 0:
                self._spread[number] = kept


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else round(value, 6)
    return "" if value is None else value
