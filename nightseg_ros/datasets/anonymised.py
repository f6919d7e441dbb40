# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The folders that Dark Zurich and ACDC share: rgb_anon and gt, with masks of invalid pixels."""

from __future__ import annotations

from nightseg_ros.datasets.layout import Tree


def anonymised_tree(only: tuple[str, ...]) -> Tree:
    """Return the tree whose splits are two folders deep, one of `only`."""
    return Tree(
        "rgb_anon/{split}",
        "gt/{split}",
        ("_rgb_anon.png",),
        (("_gt_labelTrainIds.png", "cityscapes19"), ("_gt_labelIds.png", "cityscapes_ids")),
        ("_gt_invIds.png",),
        depth=2,
        only=only,
    )


def anonymised_clip(key: str) -> str:
    """Return the drive a frame is from: its folder.

    >>> anonymised_clip("GOPR0356/GOPR0356_frame_000321")
    'GOPR0356'
    """
    return key.split("/")[0] if "/" in key else ""
