# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""BDD10K: 10,000 frames with 19-class labels in Cityscapes train ids (BDD100K, "10K images").

Its frames have no reliable time of day; `@night` in a spec measures it. Most night frames of a
published list are in train: do not test a model trained on BDD10K on them.
"""

from __future__ import annotations

from nightseg_ros.datasets.layout import Tree, TreeLayout


def bdd_clip(key: str) -> str:
    """Return the drive a BDD frame is from: the first 8 characters of its name.

    >>> bdd_clip("0004a4c0-d4dff0ad")
    '0004a4c0'
    """
    return key.rsplit("/", 1)[-1][:8]


LAYOUT = TreeLayout(
    name="bdd10k",
    summary="images/10k/SPLIT/*.jpg and labels/sem_seg/masks/SPLIT/*.png, or the older seg/",
    trees=(
        Tree("images/10k/{split}", "labels/sem_seg/masks/{split}", (".jpg",)),
        Tree(
            "seg/images/{split}",
            "seg/labels/{split}",
            (".jpg",),
            (("_train_id.png", "cityscapes19"),),
        ),
    ),
    clip=bdd_clip,
)
