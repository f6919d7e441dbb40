# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg score`: predicted mask files against ground truth."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.drivable import render_recall
from nightseg_ros.evaluation.score_folders import (
    open_truth,
    pair_masks,
    score_masks,
    score_road,
    scored_set,
)
from nightseg_ros.evaluation.scores import render_scores, save_csv


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nightseg score`."""
    parser.add_argument("--pred", type=Path, required=True, help="folder of predicted masks, .png")
    parser.add_argument(
        "--gt", required=True, help="folder of label files, or LAYOUT:FOLDER[:SPLIT][@TIME]"
    )
    parser.add_argument(
        "--labels",
        default="",
        metavar="NAME",
        help="label set of the files (cityscapes19, cityscapes_ids, camvid11, joint11, ...); "
        "default cityscapes19, with --drivable: drivable",
    )
    parser.add_argument(
        "--pred-labels", metavar="NAME", help="label set of the predictions, if another"
    )
    parser.add_argument(
        "--label-set", metavar="NAME", help="label set to score in; default: as fine as both allow"
    )
    parser.add_argument("--joint11", action="store_true", help="same as --label-set joint11")
    parser.add_argument(
        "--drivable",
        action="store_true",
        help="ground truth is drivable area: recall of predicted road inside it",
    )
    parser.add_argument(
        "--resize", action="store_true", help="bring predictions of another size to the truth's"
    )
    parser.add_argument(
        "--bootstrap", type=int, default=0, metavar="N", help="rounds for 95 %% intervals"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the bootstrap")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the per-class table")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Score the masks."""
    if args.drivable:
        return _run_drivable(args)
    if args.joint11 and args.label_set not in (None, "joint11"):
        raise NightsegError(f"--joint11 and --label-set {args.label_set} exclude each other")
    truth = open_truth(args.gt, args.labels or "cityscapes19")
    pairs = pair_masks(truth, args.pred)
    predicted = args.pred_labels or args.labels or "cityscapes19"
    wanted = "joint11" if args.joint11 else args.label_set
    wanted = wanted or scored_set(truth.label_set or "", predicted)
    scores = score_masks(truth, pairs, wanted, predicted, resize=args.resize)
    result = scores.to_dict(args.bootstrap, args.seed)
    if args.csv is not None:
        save_csv(args.csv, result)
    return result


def _run_drivable(args: argparse.Namespace) -> dict[str, object]:
    if args.joint11 or args.label_set or args.csv:
        raise NightsegError("--drivable gives one figure; leave out --joint11, --label-set, --csv")
    truth = open_truth(args.gt, args.labels or "drivable")
    pairs = pair_masks(truth, args.pred)
    predicted = args.pred_labels or "cityscapes19"
    recall = score_road(truth, pairs, predicted, resize=args.resize)
    return recall.to_dict(args.bootstrap, args.seed)


def render(result: dict[str, Any]) -> str:
    """Return the scores as text."""
    return render_recall(result) if "drivable_recall" in result else render_scores(result)
