# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""CamVid in its 11-class form: images in SPLIT, ids 0 to 10 in SPLITannot, 11 for unlabelled."""

from __future__ import annotations

from nightseg_ros.datasets.layout import Tree, TreeLayout
from nightseg_ros.labels.label_set import IGNORE

_DUSK_DRIVE = "0001TP"


def camvid_clip(key: str) -> str:
    """Return the drive a CamVid frame is from.

    >>> camvid_clip("0001TP_006690")
    '0001TP'
    """
    return key.rsplit("/", 1)[-1].split("_")[0]


LAYOUT = TreeLayout(
    name="camvid",
    summary="train/, val/, test/ with images and trainannot/, valannot/, testannot/ with ids",
    trees=(
        Tree(
            "{split}",
            "{split}annot",
            label_endings=((".png", "camvid11"),),
            only=("train", "val", "test"),
        ),
    ),
    time_of_day=lambda _, key: "dusk" if camvid_clip(key) == _DUSK_DRIVE else "day",
    clip=camvid_clip,
    void=frozenset({11, IGNORE}),
    needs_labels=True,
)
