# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Nighttime Driving: 50 test frames, fully labelled although their folder says gtCoarse.

There are two versions of the labels, the original and one with several corrected frames. Scores on
them are not comparable: report the version.
"""

from __future__ import annotations

from nightseg_ros.datasets.layout import Tree, TreeLayout

LAYOUT = TreeLayout(
    name="nighttime_driving",
    summary="leftImg8bit/test/night/*_leftImg8bit.png and gtCoarse_daytime_trainvaltest/test/night",
    trees=(
        Tree(
            "leftImg8bit/{split}",
            "gtCoarse_daytime_trainvaltest/{split}",
            ("_leftImg8bit.png",),
            (
                ("_gtCoarse_labelIds.png", "cityscapes_ids"),
                ("_gtCoarse_labelTrainIds.png", "cityscapes19"),
            ),
            only=("test",),
        ),
    ),
    time_of_day=lambda _split, _key: "night",
    needs_labels=True,
)
