# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""NightCity and NightCity-fine: night frames of many cities.

The labels of NightCity are raw label ids, those of NightCity-fine train ids: confusing them gives
scores near zero. The frame Dubai_0016 is in both val and train.
"""

from __future__ import annotations

from nightseg_ros.datasets.layout import Tree, TreeLayout

_LABELS = (
    ("_labelIds.png", "cityscapes_ids"),
    ("_trainIds.png", "cityscapes19"),
    ("_labelTrainIds.png", "cityscapes19"),
)

LAYOUT = TreeLayout(
    name="nightcity",
    summary="NightCity-images/images/SPLIT/*.png and NightCity-label/label/SPLIT/*_labelIds.png",
    trees=(
        Tree(
            "NightCity-images/images/{split}",
            "NightCity-label/label/{split}",
            label_endings=_LABELS,
            only=("train", "val"),
        ),
        Tree("images/{split}", "label/{split}", label_endings=_LABELS, only=("train", "val")),
        Tree("{split}/img", "{split}/lbl", label_endings=_LABELS, only=("train", "val")),
    ),
    time_of_day=lambda _split, _key: "night",
    needs_labels=True,
)
