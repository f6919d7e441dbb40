# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cityscapes: fine labels, or the coarse ones of train_extra, as raw label ids or as train ids."""

from __future__ import annotations

from nightseg_ros.datasets.layout import Tree, TreeLayout


def _tree(kind: str) -> Tree:
    return Tree(
        "leftImg8bit/{split}",
        kind + "/{split}",
        ("_leftImg8bit.png",),
        # Every copy has the label ids; a script of the data set writes the train ids.
        (
            (f"_{kind}_labelIds.png", "cityscapes_ids"),
            (f"_{kind}_labelTrainIds.png", "cityscapes19"),
        ),
    )


LAYOUT = TreeLayout(
    name="cityscapes",
    summary="leftImg8bit/SPLIT/CITY/*_leftImg8bit.png and gtFine (or gtCoarse)/SPLIT/CITY/",
    trees=(_tree("gtFine"), _tree("gtCoarse")),
    time_of_day=lambda _split, _key: "day",
    clip=lambda key: key.rsplit("/", 1)[-1].rsplit("_", 1)[0],  # city and sequence
)
