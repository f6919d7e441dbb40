# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Dark Zurich: unlabelled train frames by day, at twilight and by night, 50 labelled night frames.

Scores on val and on the hidden test set differ by ten points or more: never mix them.
"""

from __future__ import annotations

from nightseg_ros.datasets.anonymised import anonymised_clip, anonymised_tree
from nightseg_ros.datasets.layout import TreeLayout

_SPLITS = (
    "train/day", "train/twilight", "train/night", "val/night", "val_ref/day", "test/night",
    "test_ref/day",
)  # fmt: skip


def _time_of_day(split: str, _: str) -> str:
    time = split.split("/")[1]
    return "dusk" if time == "twilight" else time


LAYOUT = TreeLayout(
    name="dark_zurich",
    summary="rgb_anon/SPLIT/TIME/DRIVE/*_rgb_anon.png and gt/SPLIT/TIME/DRIVE/*_gt_labelTrainIds",
    trees=(anonymised_tree(_SPLITS),),
    time_of_day=_time_of_day,
    clip=anonymised_clip,
)
