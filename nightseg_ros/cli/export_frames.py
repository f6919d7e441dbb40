# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The frames of an export: some to calibrate on, others to prove the result on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from nightseg_ros.cli.options.fields import option
from nightseg_ros.cli.progress import track
from nightseg_ros.datasets import DrivingSet, Sample, open_set
from nightseg_ros.datasets.catalog import parse_spec
from nightseg_ros.labels.label_set import CITYSCAPES19, LabelSet
from nightseg_ros.labels.lookup import scored_in
from nightseg_ros.replay.parity_frames import (
    RENDERED,
    Image,
    boxed,
    labelled_frames,
    rendered_frames,
    spread,
)

Picks = list[tuple[DrivingSet, Sample]]


class ExportFrames(NamedTuple):
    """What an export is calibrated and proven on, RGB at the size of the network."""

    calibration: list[Image]
    proof: list[Image]
    truths: list[Image] | None
    about: str
    """What the frames of the proof are, without the folders of this machine."""


@dataclass(frozen=True, kw_only=True)
class FrameOptions:
    """Options that name the frames."""

    calibrate: tuple[str, ...] = option(
        "images that show all the light the model will see, for int8: a folder or "
        "LAYOUT:FOLDER:SPLIT; training images, never those it is validated on",
        (),
        metavar="DATA",
        nargs="+",
    )
    frames: str = option(
        "driving images on which the result is compared with the fp32 network (default: those of "
        "--calibrate that are left over, else a rendered drive)",
        "",
        metavar="DATA",
    )
    labels: str = option(
        "a labelled set to compare on as well: the loss of mIoU is then judged too, and "
        "openvino-int8 keeps layers that cost too much in floats",
        "",
        metavar="DATA",
    )


def export_frames(
    size: tuple[int, int],
    named: FrameOptions,
    *,
    calibration_count: int = 128,
    proof_count: int = 32,
    label_set: LabelSet = CITYSCAPES19,
) -> ExportFrames:
    """Load the frames that the options name.

    `label_set` is that of the model. The proof is on `labels` (with its masks), else on `frames`,
    else on such frames of `calibrate` that were not calibrated on, else on a rendered drive.
    """
    calibrate, frames, labels = named.calibrate, named.frames, named.labels
    sets = [(part, sample) for text in calibrate for part, sample in _samples(text)]
    chosen = spread(sets, calibration_count)
    calibration = _load(chosen, size)
    if labels:
        proof, truths = labelled_frames(labels, size, proof_count, scored_in(label_set))
        return ExportFrames(calibration, proof, truths, _called(labels))
    if frames:
        proof = _load(spread(_samples(frames), proof_count), size)
        return ExportFrames(calibration, proof, None, _called(frames))
    if sets:
        used = {id(sample) for _, sample in chosen}
        rest = [pick for pick in sets if id(pick[1]) not in used] or sets
        proof = _load(spread(rest, proof_count), size)
        return ExportFrames(calibration, proof, None, ", ".join(map(_called, calibrate)))
    drawn = rendered_frames(size, min(RENDERED, proof_count))
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


def _load(picks: Picks, size: tuple[int, int]) -> list[Image]:
    return [boxed(part.load_image(sample), size) for part, sample in track(picks, "read")]
