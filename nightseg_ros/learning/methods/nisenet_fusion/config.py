# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of the fusion of the two channels of NiSeNet."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.learning.keys import Keys, key
from nightseg_ros.learning.limits import above, at_least, filled, sides
from nightseg_ros.learning.source_config import SourceConfig


@dataclass(frozen=True)
class FusionConfig(Keys):
    """One training of the patch fusion over two frozen channels, and their temperatures."""

    name: str
    real: str = key("checkpoint of the real channel")
    adaptive: str = key("checkpoint of the adaptive channel")
    train: tuple[SourceConfig, ...] = key(
        "labelled night frames that neither channel was trained on",
        limit=filled("labelled night frames"),
    )
    recipe: str = "nisenet_fusion"
    val: tuple[str, ...] = key("sets that are measured at the end; they choose nothing", ())
    width: float = key("factor on the number of filters as drawn", 1.0, above(0))
    size: tuple[int, int] = key(
        "height and width of the maps that the patches are cut from", (144, 256), sides(16, 16)
    )
    steps: int = 300
    batch: int = key("patches of a step", 64)
    lr: float = 0.001
    save_every: int = key("steps between checkpoints to resume from", 100, at_least(1))
    seed: int = 0
    precision: str = "32-true"
    devices: int = 1
    nodes: int = 1
