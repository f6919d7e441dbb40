# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg score`: predicted mask files against ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.cli.options.fields import flag, option
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_file import find_label_set
from nightseg_ros.metrics.drivable import render_recall
from nightseg_ros.replay.score_folders import (
    open_truth,
    pair_masks,
    score_masks,
    score_road,
    scored_set,
)
from nightseg_ros.report.scores_text import render_scores, save_csv


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg score`."""

    pred: Path = option("folder of predicted masks, .png")
    gt: str = option("folder of label files, or LAYOUT:FOLDER[:SPLIT][@TIME]")
    labels: str = option(
        "label set of the files (cityscapes19, cityscapes_ids, camvid11, joint11, ..., or the YAML "
        "file of one); "
        "default cityscapes19, with --drivable: drivable",
        "",
        metavar="NAME",
    )
    pred_labels: str | None = option(
        "label set of the predictions, if another", None, metavar="NAME"
    )
    label_set: str | None = option(
        "label set to score in; default: as fine as both allow", None, metavar="NAME"
    )
    joint11: bool = flag("same as --label-set joint11")
    drivable: bool = flag("ground truth is drivable area: recall of predicted road inside it")
    resize: bool = flag("bring predictions of another size to the truth's")
    bootstrap: int = option("rounds for 95 %% intervals", 0, metavar="N")
    seed: int = option("seed of the bootstrap", 0)
    csv: Path | None = option("write the per-class table", None, metavar="FILE")


def run(options: Options) -> dict[str, object]:
    """Score the masks."""
    if options.drivable:
        return _run_drivable(options)
    if options.joint11 and options.label_set not in (None, "joint11"):
        raise NightsegError(f"--joint11 and --label-set {options.label_set} exclude each other")
    truth = open_truth(options.gt, options.labels or "cityscapes19")
    pairs = pair_masks(truth, options.pred)
    predicted = find_label_set(options.pred_labels or options.labels or "cityscapes19")
    named = "joint11" if options.joint11 else options.label_set
    wanted = find_label_set(named) if named else scored_set(truth.label_set or "", predicted)
    scores = score_masks(truth, pairs, wanted, predicted, resize=options.resize)
    result = scores.to_dict(options.bootstrap, options.seed)
    if options.csv is not None:
        save_csv(options.csv, result)
    return result


def _run_drivable(options: Options) -> dict[str, object]:
    if options.joint11 or options.label_set or options.csv:
        raise NightsegError("--drivable gives one figure; leave out --joint11, --label-set, --csv")
    truth = open_truth(options.gt, options.labels or "drivable")
    pairs = pair_masks(truth, options.pred)
    predicted = find_label_set(options.pred_labels or "cityscapes19")
    recall = score_road(truth, pairs, predicted, resize=options.resize)
    return recall.to_dict(options.bootstrap, options.seed)


def render(result: dict[str, Any]) -> str:
    """Return the scores as text."""
    return render_recall(result) if "drivable_recall" in result else render_scores(result)
