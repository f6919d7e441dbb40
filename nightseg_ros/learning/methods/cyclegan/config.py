# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of CycleGAN, and those of every unpaired training of two translators."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.learning.keys import Keys, key
from nightseg_ros.learning.limits import AUTO, at_least, filled, one_of, sides


@dataclass(frozen=True)
class UnpairedConfig(Keys):
    """What every unpaired training of two translators has."""

    name: str
    day: tuple[str, ...] = key("sets of day images", limit=filled("at least one set of day images"))
    night: tuple[str, ...] = key(
        "sets of night images, of other places", limit=filled("at least one set of night images")
    )
    recipe: str = ""
    generator: str = key("kind of the generators", "")
    blocks: int = key("residual blocks of a generator", 9, at_least(1))
    filters: int = key("filters of the first layer of a generator", 64, at_least(1))
    cache: tuple[int, int] = key(
        "height and width at which images are kept in memory", (272, 480), sides(1, 8)
    )
    view: tuple[int, int] = key(
        "height and width of the crops that are trained on", (256, 256), sides(4, 8)
    )
    steps: int = 20000
    batch: int = 1
    lr: float = 0.0002
    cycle: float = key("weight of the distance after there and back", 10.0, at_least(0))
    pool: int = key(
        "made images that the discriminators remember; 0 = only the newest", 50, at_least(0)
    )
    save_every: int = key("steps between checkpoints to resume from", 500, at_least(1))
    seed: int = 0
    precision: str = AUTO
    devices: int = 1
    nodes: int = 1

    def check(self) -> None:
        """Refuse values that do not go together."""
        if any(v > c for v, c in zip(self.view, self.cache, strict=True)):
            raise self.refused(f"view {self.view} is larger than cache {self.cache}")


@dataclass(frozen=True)
class TranslateConfig(UnpairedConfig):
    """One CycleGAN."""

    recipe: str = "cyclegan"
    generator: str = key(
        "resnet = as published | light = about 0.3 M parameters",
        "resnet",
        one_of(("resnet", "light")),
    )
    identity: float = key(
        "weight, times `cycle`, of leaving images of the target domain as they are",
        0.5,
        at_least(0),
    )
