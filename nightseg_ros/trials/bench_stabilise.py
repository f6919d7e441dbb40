# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compares masks as the network gives them with masks that hold still, on labelled sequences."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.drive.render import Renderer
from nightseg_ros.metrics.confusion import ConfusionMatrix
from nightseg_ros.metrics.flicker import compared, motion
from nightseg_ros.metrics.percentiles import percentiles
from nightseg_ros.perception.letterbox import Letterbox, to_gray
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.stabilise import GAP_S, Stabiliser

if TYPE_CHECKING:
    from nightseg_ros.engines.engine import Engine
    from nightseg_ros.labels.label_set import LabelSet
    from nightseg_ros.perception.pipeline_settings import PipelineSettings

Image = NDArray[np.uint8]
VARIANTS = ("as they come", "held still")


def rendered(
    frames: int, size: tuple[int, int], fps: float, seed: int = 1
) -> Iterator[tuple[Image, Image]]:
    """Return the RGB frames and labels of a drive from day through dusk into the night."""
    renderer = Renderer(seed, frames, size, fps)
    for index in range(frames):
        frame = renderer.frame(index)
        yield np.ascontiguousarray(frame.image_bgr[..., ::-1]), frame.labels


def compare(
    engines: Mapping[str, Engine],
    settings: PipelineSettings,
    labels: LabelSet,
    frames: Iterable[tuple[Image, Image]],
    fps: float,
    truth_labels: LabelSet | str,
    scored: LabelSet,
) -> dict[str, Any]:
    """Return flicker and mean IoU of both variants."""
    pipelines = {
        name: Pipeline(engines, replace(settings, stabilise=held), classes=labels.count)
        for name, held in zip(VARIANTS, (False, True), strict=True)
    }
    matrix = {
        name: ConfusionMatrix(scored, truth_labels=truth_labels, prediction_labels=labels)
        for name in VARIANTS
    }
    flicker: dict[str, list[float]] = {name: [] for name in VARIANTS}
    before: dict[str, Image] = {}
    before_gray: Image | None = None
    count, followed = 0, []
    for count, (image, truth) in enumerate(frames, 1):
        gray = to_gray(compared(image, cv2.INTER_AREA), "rgb")
        same = before_gray is not None and before_gray.shape == gray.shape
        moved = motion(before_gray, gray) if same and before_gray is not None else None
        if moved is not None:
            followed.append(float(moved.followed.mean()))
        before_gray = gray
        for name, pipeline in pipelines.items():
            result = pipeline.process(image, "rgb", now_s=count / fps)
            matrix[name].update(truth, result.mask)
            mask = compared(result.mask)
            share = None if moved is None else moved.flicker(before[name], mask)
            if share is not None:
                flicker[name].append(share)
            before[name] = mask
    return {
        "frames": count,
        "followed": float(np.mean(followed)) if followed else None,
        "variants": {
            name: {
                "flicker": float(np.mean(flicker[name])) if flicker[name] else None,
                "miou": matrix[name].compute().miou,
            }
            for name in VARIANTS
        },
    }


def milliseconds(
    engine: Engine, frames: Iterable[tuple[Image, Image]], count: int = 200
) -> dict[str, float] | None:
    """Return the processor time that holding the masks of this engine still takes a frame."""
    seen = []
    for image, _ in frames:
        view = Letterbox((image.shape[0], image.shape[1]), engine.input_size).apply(image)
        mask, confidence = (output.copy() for output in engine.run(view))
        seen.append((view, mask, confidence))
    stabiliser, spent_ms = Stabiliser(), []
    for index in range(count):
        start_s = time.process_time()
        stabiliser.update(*seen[index % len(seen)], "", index * GAP_S / 2)
        spent_ms.append((time.process_time() - start_s) * 1e3)
    return percentiles(spent_ms)
