# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The frames of an export: some to calibrate on, others to prove the result on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.cli.progress import track
from nightseg_ros.evaluation.parity_frames import DRAWN, drawn_frames, labelled_frames
from nightseg_ros.learning.datasets import DrivingSet, Sample, open_set
from nightseg_ros.learning.datasets.catalog import parse_spec
from nightseg_ros.perception.letterbox import Letterbox

Image = NDArray[np.uint8]
Picks = list[tuple[DrivingSet, Sample]]


class ExportFrames(NamedTuple):
    """What an export is calibrated and proven on, RGB at the size of the network."""

    calibration: list[Image]
    proof: list[Image]
    truths: list[Image] | None
    about: str
    """What the frames of the proof are, without the folders of this machine."""


def export_frames(
    size: tuple[int, int],
    *,
    calibrate: Sequence[str] = (),
    calibration_count: int = 128,
    frames: str = "",
    labels: str = "",
    proof_count: int = 32,
    label_set: str = "joint11",
) -> ExportFrames:
    """Load the frames that the data-set texts name.

    The proof is on `labels` (with its masks), else on `frames`, else on such frames of `calibrate`
    that were not calibrated on, else on a drive that is drawn.
    """
    sets = [(part, sample) for text in calibrate for part, sample in _samples(text)]
    chosen = _spread(sets, calibration_count)
    calibration = _load(chosen, size, "read")
    if labels:
        proof, truths = labelled_frames(labels, size, proof_count, label_set)
        return ExportFrames(calibration, proof, truths, _called(labels))
    if frames:
        proof = _load(_spread(_samples(frames), proof_count), size, "read")
        return ExportFrames(calibration, proof, None, _called(frames))
    if sets:
        used = {id(sample) for _, sample in chosen}
        rest = [pick for pick in sets if id(pick[1]) not in used] or sets
        proof = _load(_spread(rest, proof_count), size, "read")
        return ExportFrames(calibration, proof, None, ", ".join(map(_called, calibrate)))
    drawn = drawn_frames(size, min(DRAWN, proof_count))
    return ExportFrames(calibration, drawn, None, "a rendered drive")


def _samples(text: str) -> Picks:
    driving_set = open_set(text)
    return [(driving_set, sample) for sample in driving_set.samples]


def _called(text: str) -> str:
    """Return a data-set text without its folder.

    >>> _called("nightseg:/data/driving:bdd_labelled/val@night")
    'bdd_labelled/val@night'
    """
    spec = parse_spec(text)
    times = f"@{','.join(sorted(spec.times))}" if spec.times else ""
    return (spec.split or spec.root.resolve().name) + times


def _spread(picks: Picks, count: int) -> Picks:
    count = min(count, len(picks))
    return [picks[index * len(picks) // count] for index in range(count)]


def _load(picks: Picks, size: tuple[int, int], what: str) -> list[Image]:
    images = []
    for driving_set, sample in track(picks, what):
        image = driving_set.load_image(sample)
        images.append(Letterbox((image.shape[0], image.shape[1]), size).apply(image).copy())
    return images
