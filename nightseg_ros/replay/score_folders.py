# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scores a folder of mask files against a folder, or a data set, of ground truth."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.datasets import LAYOUTS, DrivingSet, Sample, open_set
from nightseg_ros.datasets.image_files import read_label
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_file import find_label_set
from nightseg_ros.labels.label_set import label_set
from nightseg_ros.labels.lookup import first_common
from nightseg_ros.metrics.confusion import ConfusionMatrix
from nightseg_ros.metrics.drivable import DrivableRecall, RecallScores
from nightseg_ros.replay.evaluate import road_ids

if TYPE_CHECKING:
    from nightseg_ros.labels.label_set import LabelSet
    from nightseg_ros.metrics.scores import Scores

_SUFFIXES = (
    "_leftImg8bit", "_gtFine_labelIds", "_gtFine_labelTrainIds", "_gtCoarse_labelIds",
    "_gtCoarse_labelTrainIds", "_rgb_anon", "_gt_labelIds", "_gt_labelTrainIds", "_labelIds",
    "_labelTrainIds", "_trainIds", "_train_id", "_drivable_id", "_mask", "_pred",
)  # fmt: skip
"""Suffixes that data sets add to the files of one frame; predictions may omit them."""

_KINDS = {
    "cityscapes_ids": ("_labelIds.png",),
    "cityscapes19": ("_labelTrainIds.png", "_trainIds.png", "_train_id.png"),
    "bdd_drivable_maps": ("_drivable_id.png",),
}
"""The files to use for a label set where a folder contains several kinds."""

_RAW = ("cityscapes_ids", "vistas_v1.2", "vistas_v2.0")
"""Sets of label files that are never scored in."""

Mask = NDArray[np.uint8]
Item = TypeVar("Item")


@dataclass(frozen=True)
class MaskPair:
    """The files of one frame."""

    name: str
    truth: Sample
    prediction: Path


def frame_name(path: str | Path) -> str:
    """Return the frame name of a file, without folders and suffixes of data sets.

    >>> frame_name("gt/zurich_000000_000019_gtFine_labelIds.png")
    'zurich_000000_000019'
    """
    stem = Path(path).stem
    ending = max((e for e in _SUFFIXES if stem.endswith(e)), key=len, default="")
    return stem[: len(stem) - len(ending)]


def open_truth(text: str, labels: str) -> DrivingSet:
    """Open ground truth: LAYOUT:FOLDER:SPLIT, or a folder of label files in the set `labels`."""
    if text.partition(":")[0] in LAYOUTS:
        return open_set(text)
    folder = Path(text)
    if not folder.is_dir():
        raise NightsegError(f"there is no folder {folder} with ground truth")
    files = sorted(folder.rglob("*.png"))
    for endings in (_KINDS.get(labels, ()), (".png",)):
        chosen = [path for path in files if path.name.endswith(endings)]
        if chosen:
            samples = tuple(Sample(path, path, frame_name(path)) for path in chosen)
            return DrivingSet(text, "masks", samples, find_label_set(labels).name)
    raise NightsegError(f"{folder} contains no .png files with ground truth")


def scored_set(truth: LabelSet | str, prediction: LabelSet | str) -> LabelSet:
    """Return the default label set for scoring: the finest that both map to.

    >>> scored_set("camvid11", "cityscapes19").name, scored_set("joint11", "joint11").name
    ('cityscapes19', 'joint11')
    """
    candidates = map(label_set, (truth, prediction, "cityscapes19", "joint11"))
    return first_common([one for one in candidates if one.name not in _RAW], truth, prediction)


def pair_masks(truth: DrivingSet, predictions: Path) -> list[MaskPair]:
    """Find the prediction of every labelled frame; none may be missing."""
    if not predictions.is_dir():
        raise NightsegError(f"there is no folder {predictions} with predictions")
    found = _by_name((path, path) for path in sorted(predictions.rglob("*.png")))
    wanted = _by_name((sample.label, sample) for sample in truth.samples if sample.label)
    if not wanted:
        raise NightsegError(f"{truth.name} is unlabelled; name a data set with labels")
    missing = [name for name in wanted if name not in found]
    if missing:
        listed = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise NightsegError(
            f"{predictions} lacks {len(missing)} of {len(wanted)} predictions ({listed}); "
            "name each like its image, ending in .png"
        )
    return [MaskPair(name, sample, found[name]) for name, sample in wanted.items()]


def score_masks(
    truth: DrivingSet,
    pairs: list[MaskPair],
    labels: LabelSet | str,
    prediction_labels: LabelSet | str,
    *,
    resize: bool = False,
) -> Scores:
    """Score predicted masks in the label set `labels`."""
    matrix = ConfusionMatrix(labels, prediction_labels=prediction_labels)
    for _, gt, prediction in _load(truth, pairs, labels, resize):
        matrix.update(gt, prediction)
    return matrix.compute()


def score_road(
    truth: DrivingSet,
    pairs: list[MaskPair],
    prediction_labels: LabelSet | str,
    *,
    resize: bool = False,
) -> RecallScores:
    """Score the road of predicted masks against drivable labels."""
    roads = road_ids(prediction_labels)
    total = DrivableRecall()
    for pair, gt, prediction in _load(truth, pairs, "drivable", resize):
        total.update(roads[prediction], gt == 1, pair.name)
    return total.compute()


def _load(
    truth: DrivingSet, pairs: list[MaskPair], labels: LabelSet | str, resize: bool
) -> Iterator[tuple[MaskPair, Mask, Mask]]:
    def load(pair: MaskPair) -> tuple[MaskPair, Mask, Mask]:
        gt, prediction = truth.load_label(pair.truth, labels), read_label(pair.prediction)
        if gt.shape != prediction.shape:
            if not resize:
                raise NightsegError(
                    f"{pair.prediction} is {prediction.shape[1]}x{prediction.shape[0]}, its truth "
                    f"{gt.shape[1]}x{gt.shape[0]}; give masks at full size, or --resize"
                )
            size = (gt.shape[1], gt.shape[0])
            prediction = np.asarray(
                cv2.resize(prediction, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8
            )
        return pair, gt, prediction

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for at in range(0, len(pairs), 64):  # in portions: thousands of masks would fill the memory
            yield from pool.map(load, pairs[at : at + 64])


def _by_name(items: Iterable[tuple[Path, Item]]) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for path, item in items:
        name = frame_name(path)
        if name in found:
            raise NightsegError(f"{path}: there are two files for the frame '{name}'")
        found[name] = item
    return found
