# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""BDD100K drivable area: where the car may drive, directly or after a lane change.

The release of 2020 numbers direct 0, alternative 1 and background 2; the one of 2018 numbers
background 0, direct 1 and alternative 2. The folder distinguishes them.
"""

from __future__ import annotations

from nightseg_ros.datasets.bdd10k import bdd_clip
from nightseg_ros.datasets.layout import Tree, TreeLayout

_OF_2020 = ((".png", "bdd_drivable"),)
_OF_2018 = (("_drivable_id.png", "bdd_drivable_maps"),)

LAYOUT = TreeLayout(
    name="bdd_drivable",
    summary="images/100k/SPLIT/*.jpg and labels/drivable/masks/SPLIT/*.png, or drivable_maps/",
    trees=(
        Tree("images/100k/{split}", "labels/drivable/masks/{split}", (".jpg",), _OF_2020),
        Tree("images/100k/{split}", "drivable_maps/labels/{split}", (".jpg",), _OF_2018),
    ),
    clip=bdd_clip,
    needs_labels=True,
)
