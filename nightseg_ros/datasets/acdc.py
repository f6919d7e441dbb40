# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ACDC: fog, night, rain and snow, each with train, val and test, and clear-weather references."""

from __future__ import annotations

from nightseg_ros.datasets.anonymised import anonymised_clip, anonymised_tree
from nightseg_ros.datasets.layout import TreeLayout

_SPLITS = tuple(
    f"{condition}/{split}"
    for condition in ("fog", "night", "rain", "snow")
    for split in ("train", "train_ref", "val", "val_ref", "test", "test_ref")
)


def _time_of_day(split: str, _: str) -> str:
    condition, part = split.split("/")
    return "night" if condition == "night" and not part.endswith("_ref") else "day"


LAYOUT = TreeLayout(
    name="acdc",
    summary="rgb_anon/CONDITION/SPLIT/DRIVE/*_rgb_anon.png and gt/CONDITION/SPLIT/DRIVE/",
    trees=(anonymised_tree(_SPLITS),),
    time_of_day=_time_of_day,
    clip=anonymised_clip,
)
