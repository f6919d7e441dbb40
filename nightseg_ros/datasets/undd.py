# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""UNDD: 75 labelled night frames, and 7125 unlabelled frames of day and night.

It has plain folders; labels are raw Cityscapes label ids, unless their names contain trainIds.
A split `unlabelled` (or day, night) without labels is read as images alone.
"""

from __future__ import annotations

from nightseg_ros.datasets.layout import Layout, TreeLayout
from nightseg_ros.datasets.plain_folder import plain_trees


def _time_of_day(split: str, key: str) -> str:
    """Return the time in the folder's name, else night for the only part, of labelled frames.

    >>> _time_of_day("day", "a"), _time_of_day("", "a"), _time_of_day("train", "night/a")
    ('day', 'night', 'night')
    """
    folders = {*split.lower().split("/"), *key.lower().split("/")[:-1]}
    named = [time for time in ("day", "dusk", "night") if time in folders]
    if len(named) == 1:
        return named[0]
    return "" if split else "night"


LAYOUT: Layout = TreeLayout(
    name="undd",
    summary="images/ and labels/ (perhaps with SPLIT) with Cityscapes label ids",
    trees=plain_trees("cityscapes_ids"),
    time_of_day=_time_of_day,
    needs_labels=True,
)
