# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Shows a model its validation frames in fog, rain and snow, and as no camera of a car sees them.

What each costs by class, whether the illumination is still that of the frame, and whether the
novelty detects it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.metrics.confusion import ConfusionMatrix
from nightseg_ros.metrics.scores import in_percent
from nightseg_ros.perception.routing import RoutingPolicy
from nightseg_ros.trials.bench_health import damage
from nightseg_ros.trials.weather import STRENGTHS, WEATHER, weathered

if TYPE_CHECKING:
    from nightseg_ros.labels.label_set import LabelSet
    from nightseg_ros.perception.frame_result import FrameResult
    from nightseg_ros.perception.pipeline import Pipeline

Image = NDArray[np.uint8]
Change = Callable[[Image, int], Image]
"""From RGB and a seed."""
CLEAN = "as it is"
FPS = 10.0
WIDTH = 640


def _texture(image: Image, seed: int) -> Image:
    """Return random patterns of all sizes with the colours of the frame: no scene at all."""
    height, width = image.shape[:2]
    rng = np.random.default_rng(seed)
    pattern = np.zeros((height, width, 3), np.float32)
    for cells in (2, 4, 8, 16, 64):
        coarse = rng.standard_normal((cells, 2 * cells, 3)).astype(np.float32)
        pattern += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    mean, spread = image.mean(axis=(0, 1)), image.std()
    return np.asarray(np.clip(mean + spread * pattern / pattern.std(), 0, 255), np.uint8)


def _damaged(name: str, strength: float, image: Image, seed: int) -> Image:
    return next(iter(damage(name, strength, [image], np.random.default_rng(seed))))


CONDITIONS: Mapping[str, Change] = {
    CLEAN: lambda image, _: image,
    **{
        f"{name} {strength:g}": partial(weathered, name, strength)
        for name in WEATHER
        for strength in STRENGTHS
    },
}
"""Frames whose labels hold still."""
STRANGE: Mapping[str, Change] = {
    "noise": partial(_damaged, "noisy", 25.0),
    "blur": partial(_damaged, "defocused", 4.0),
    "tint": partial(_damaged, "tinted", 0.6),
    "inverted": lambda image, _: np.asarray(255 - image, np.uint8),
    "upside down": lambda image, _: np.ascontiguousarray(image[::-1]),
    "texture": _texture,
}
"""Frames that no longer show what their labels say."""


def smaller(image: Image, truth: Image) -> tuple[Image, Image]:
    """Return frame and labels at most 640 wide, which is still more than a network sees."""
    width = min(WIDTH, image.shape[1])
    size = (width, round(image.shape[0] * width / image.shape[1]))
    return (
        np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8),
        np.asarray(cv2.resize(truth, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8),
    )


@dataclass
class Tally:
    """What was seen of a model under one condition."""

    matrix: ConfusionMatrix
    novelty: list[float] = field(default_factory=list)
    dark: list[bool] = field(default_factory=list)
    """Whether route auto takes each frame for dark."""
    hazy: list[bool] = field(default_factory=list)
    """Whether it reports that the light of the frame is uncertain."""

    def add(self, result: FrameResult, truth: Image | None) -> None:
        """Count a frame, and its mask where its labels still hold."""
        if truth is not None:
            self.matrix.update(truth, result.mask)
        if result.novelty is not None:
            self.novelty.append(result.novelty.value)
        policy = RoutingPolicy()
        self.hazy.append(result.hazy)
        self.dark.append(result.illumination < (policy.dark_below + policy.bright_above) / 2)


def measure(
    pipeline: Pipeline,
    frames: Iterable[tuple[Image, Image]],
    scored: LabelSet,
    labels: LabelSet,
) -> dict[str, Tally]:
    """Show the pipeline every frame under all conditions; frames are RGB and labels."""
    changes = {**CONDITIONS, **STRANGE}
    found = {name: Tally(ConfusionMatrix(scored, prediction_labels=labels)) for name in changes}
    for seed, (image, truth) in enumerate(frames):
        for name, change in changes.items():
            result = pipeline.process(change(image, seed), "rgb")
            pipeline.forget("")  # a set is not a video
            found[name].add(result, truth if name in CONDITIONS else None)
    return found


def rows(found: Mapping[str, Tally], known: Sequence[float]) -> list[dict[str, Any]]:
    """Return a row of figures for each condition, in percent; `known` are novelties of others.

    Those of the clean frames would flatter: a model may have been calibrated on them.
    """
    clean = found[CLEAN]
    best = clean.matrix.compute()
    table = []
    for name, tally in found.items():
        wrong = [now != before for now, before in zip(tally.dark, clean.dark, strict=True)]
        row: dict[str, Any] = {
            "condition": name,
            "light_wrong": in_percent(float(np.mean(wrong))),
            "unreported": in_percent(float(np.mean(np.array(wrong) & ~np.array(tally.hazy)))),
            "hazy": in_percent(float(np.mean(tally.hazy))),
            "outside": _over(tally.novelty),
            "auroc": None,
        }
        if tally.novelty and known:
            row["auroc"] = in_percent(auroc(tally.novelty, known))
        if name in CONDITIONS:
            scores = tally.matrix.compute()
            row["miou"] = in_percent(scores.miou)
            row["iou"] = {
                label: in_percent(float(value))
                for label, value, there in zip(
                    best.labels.names, scores.iou, best.present, strict=True
                )
                if there
            }
        table.append(row)
    return table


def auroc(strange: Sequence[float], known: Sequence[float]) -> float:
    """Return how often a strange frame has the larger novelty; ties count half.

    >>> auroc([2.0, 3.0], [1.0, 2.0])
    0.875
    """
    difference = np.subtract.outer(np.asarray(strange), np.asarray(known))
    return float((difference > 0).mean() + (difference == 0).mean() / 2)


def as_a_drive(pipeline: Pipeline, frames: Iterable[Image]) -> tuple[list[float], dict[str, Any]]:
    """Return the novelties of photographs, and how many are outside or warn.

    They follow each other at 10 Hz. A drive that stayed where one was taken would warn wherever
    that one is outside.
    """
    values, warned, hazy = [], 0, []
    for index, image in enumerate(frames):
        result = pipeline.process(image, "rgb", "drive", index / FPS)
        hazy.append(result.hazy)
        if result.novelty is not None:
            values.append(result.novelty.value)
            warned += bool(result.novelty.warning)
    pipeline.forget("drive")
    return values, {
        "frames": len(values),
        "outside": _over(values),
        "hazy": in_percent(float(np.mean(hazy))),
        "warned": in_percent(warned / max(1, len(values))),
        "median": round(float(np.median(values)), 2) if values else None,
    }


def _over(values: Sequence[float]) -> float | None:
    return in_percent(float(np.mean(np.asarray(values) > 1.0))) if values else None
