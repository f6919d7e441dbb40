# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Mapillary Vistas: v1.2 has 66 classes, v2.0 has 124; the newer release ships both."""

from __future__ import annotations

from nightseg_ros.datasets.layout import Tree, TreeLayout

_SPLITS = ("training", "validation", "testing")


def _tree(labels: str, version: str) -> Tree:
    return Tree("{split}/images", labels, (".jpg",), ((".png", version),), only=_SPLITS)


LAYOUT = TreeLayout(
    name="vistas",
    summary="training/images/*.jpg and training/v1.2/labels/*.png (or training/labels): v1.2",
    trees=(_tree("{split}/v1.2/labels", "vistas_v1.2"), _tree("{split}/labels", "vistas_v1.2")),
)

LAYOUT_V2 = TreeLayout(
    name="vistas_v2",
    summary="training/images/*.jpg and training/v2.0/labels/*.png",
    trees=(_tree("{split}/v2.0/labels", "vistas_v2.0"),),
)
