# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the pipeline over a set of images and notes of each what tables and report need."""

from __future__ import annotations

import csv
import heapq
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.evaluation.evaluate import Look
from nightseg_ros.evaluation.report.pictures import FrameViews, encoded
from nightseg_ros.evaluation.submission import Submission
from nightseg_ros.perception.pipeline import FrameResult, Pipeline

WORST = 12
"""Images with the least right that are kept to look at."""
SPREAD = 12
"""Images that are kept besides, from all over the set."""


@dataclass(frozen=True)
class ImageRow:
    """What is known of one image."""

    name: str
    time_of_day: str
    route: str
    illumination: float
    confidence: float
    total_ms: float
    right: float | None


@dataclass(frozen=True)
class Kept:
    """One image to look at; pictures are name -> ending and bytes."""

    row: ImageRow
    pictures: Mapping[str, tuple[str, bytes]]


class SetRun:
    """Predicts images one by one and looks at what came of them."""

    def __init__(
        self,
        pipeline: Pipeline,
        views: FrameViews | None = None,
        submission: Submission | None = None,
    ) -> None:
        """With `views` pictures are kept, with `submission` masks are written."""
        self._pipeline, self._views, self._submission = pipeline, views, submission
        self.routes: Counter[str] = Counter()
        self.rows: list[ImageRow] = []
        self.times: list[dict[str, float]] = []
        self._last: FrameResult | None = None
        self._worst: list[tuple[float, int, Kept]] = []
        self._spread: dict[int, Kept] = {}
        self._every = 1

    def predict(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the mask of an RGB image."""
        wanted = self._views is not None or self._submission is not None
        result = self._pipeline.process(image, "rgb", want_confidence=wanted)
        self._pipeline.forget("")  # frames of a set are no video: each chooses its route afresh
        self.routes[result.route] += 1
        self.times.append(result.times_ms)
        self._last = result
        return result.mask

    def look(self, look: Look) -> None:
        """Take the image that was predicted last."""
        result = self._last
        assert result is not None
        confidence = math.nan if result.confidence is None else float(result.confidence.mean())
        row = ImageRow(
            look.sample.name,
            look.sample.time_of_day,
            result.route,
            result.illumination,
            confidence / 255,
            result.times_ms["total"],
            look.right,
        )
        if self._submission is not None:
            assert result.confidence is not None
            self._submission.write(look.sample.image, look.mask, result.confidence)
        if self._views is not None:
            self._keep(look, row, result)
        self.rows.append(row)

    def shown(self) -> list[Kept]:
        """Return the images to look at: the worst first, then others."""
        worst = [kept for _, _, kept in sorted(self._worst, key=lambda entry: -entry[0])]
        names = {kept.row.name for kept in worst}
        return [*worst, *(k for k in self._spread.values() if k.row.name not in names)]

    def write_csv(self, file: Path) -> None:
        """Write what is known of each image as a table."""
        fields = list(ImageRow.__dataclass_fields__)
        with open(file, "w", newline="", encoding="utf-8") as lines:
            table = csv.writer(lines)
            table.writerow(fields)
            for row in self.rows:
                table.writerow([_cell(getattr(row, name)) for name in fields])

    def _keep(self, look: Look, row: ImageRow, result: FrameResult) -> None:
        number = len(self.rows)
        badness = -math.inf if row.right is None or math.isnan(row.right) else -row.right
        bad = badness > -math.inf and (len(self._worst) < WORST or badness > self._worst[0][0])
        even = number % self._every == 0
        if not bad and not even:
            return
        assert self._views is not None
        bgr = np.ascontiguousarray(look.image[..., ::-1])
        pictures = self._views.of(bgr, look.mask, result.confidence, truth=look.truth)
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
