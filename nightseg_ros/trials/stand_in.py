# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Model folders without networks, for the fake engine: they show that everything else works."""

from __future__ import annotations

from pathlib import Path

from nightseg_ros.bundles.bundle import SEGMENTATION
from nightseg_ros.bundles.write import write_bundle
from nightseg_ros.labels.label_set import CITYSCAPES19

WARNING = "there are no models here, so masks follow the brightness of the image and mean nothing"


def write_stand_ins(folder: Path, size: tuple[int, int] = (272, 480)) -> None:
    """Write a day and a night model of this height and width that only the fake engine can run."""
    for route in ("day", "night"):
        write_bundle(
            folder / f"stand_in_{route}",
            b"no network",
            name=f"stand_in_{route}",
            kind=SEGMENTATION,
            route=route,
            height=size[0],
            width=size[1],
            labels=CITYSCAPES19,
        )
