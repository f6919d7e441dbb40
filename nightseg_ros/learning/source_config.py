# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of one training set, and what the figures of a set are called."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.learning.keys import Keys, key
from nightseg_ros.learning.limits import Limit, above, at_least


@dataclass(frozen=True)
class SourceConfig(Keys, subject="{data}"):
    """One training set: where it is, how often it is drawn, whether it may be relit as night."""

    data: str = key("data set as LAYOUT:DIR[:SPLIT][@TIME]; {data} is the data folder")
    weight: float = key(
        "how often its frames are drawn, beside those of the other sets", 1.0, above(0)
    )
    relight: bool = key("some of its frames are relit as night (augment.night)", False)
    count: int = key("use this many frames, drawn with the seed; 0 = all", 0, at_least(0))
    translated: str = key("folder of translated images of the same names, for `replace`", "")
    replace: int = key("replace this many frames by their translated ones", 0, at_least(0))
    skip: int = key(
        "leave out this many, those that `count` takes with the same seed", 0, at_least(0)
    )
    size: tuple[int, int] = key(
        "height and width to stretch frames to; left out: fitted into `cache`",
        (0, 0),
        Limit("8 or more, or leave it out", lambda x: x == (0, 0) or min(x) >= 8),
    )
    fill: bool = key("the running average labels what is unlabelled, where it is sure", False)

    def check(self) -> None:
        """Refuse values that do not go together."""
        if self.replace and not self.translated:
            raise self.refused("replace needs the folder of translated images")


def figure_name(spec: str) -> str:
    """Return the name of the figures of a set.

    >>> figure_name("nightseg:{data}:bdd_labelled/val@day")
    'bdd_labelled_val@day'
    >>> figure_name("acdc:/a:val/night + nightseg:{data}:bdd_labelled/val@night")
    'val_night+bdd_labelled_val@night'
    """
    return "+".join(one.rpartition(":")[2].replace("/", "_") for one in spec.split(" + "))
