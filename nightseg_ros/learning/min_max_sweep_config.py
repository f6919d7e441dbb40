# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The trainings behind the zero-shot table, and the keys of their sweep."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.errors import NightsegError

WAYS = ("plain", "adabn", "enhanced", "train", "min_max")
DARKENING, DARKENING_ALONE, LEARNED_GAMMA = "darkening", "darkening_alone", "learned_gamma"


@dataclass(frozen=True)
class Training:
    """One row of the table: what is done to the day model before it is measured by night.

    plain: nothing | adabn: batch norms take the statistics of the night frames that are measured |
    enhanced: an enhancement network brightens what it sees | train: more steps of day frames |
    min_max: day frames and darkened ones.
    """

    name: str
    way: str
    darken: str = ""  # a method, or the name of a darkening module of this sweep
    similarity: bool = False  # of the adaptation
    ciconv: bool = False


TRAININGS = (
    Training("day", "plain"),
    Training("adabn", "adabn"),
    Training("enhanced", "enhanced"),
    Training("day_longer", "train"),
    Training("ciconv", "train", ciconv=True),
    Training("brightness", "min_max", "brightness", True),
    Training("gamma", "min_max", "gamma", True),
    Training("reciprocal", "min_max", "reciprocal", True),
    Training("learned_gamma", "min_max", LEARNED_GAMMA, True),
    Training("without_both", "min_max", DARKENING_ALONE),
    Training("without_darkening", "min_max", DARKENING_ALONE, True),
    Training("without_adaptation", "min_max", DARKENING),
    Training("full", "min_max", DARKENING, True),
    Training("ciconv_full", "min_max", DARKENING, True, ciconv=True),
)


@dataclass(frozen=True)
class MinMaxSweepConfig:
    """All trainings of the table with several seeds, each from the same day model."""

    name: str
    base: str  # recipe min_max of a single training, whose init is the day model
    darkening: str  # recipe of the darkening module
    recall: str  # night frames with drivable masks
    recipe: str = "min_max_sweep"
    rows: tuple[str, ...] = ()  # of the table, beside day; none = all
    enhancement: str = ""  # recipe of the enhancement network; none = no row of it
    overrides: tuple[str, ...] = ()  # KEY=VALUE changes of these two recipes
    ciconv_steps: int = 0  # the invariant is another input, to which the day model has to get used
    bootstrap: int = 1000
    seeds: tuple[int, ...] = (0, 1, 2)

    def __post_init__(self) -> None:
        if not self.seeds:
            raise NightsegError(f"recipe {self.name}: seeds is empty; name at least one")
        if self.ciconv_steps < 0 or self.bootstrap < 1:
            raise NightsegError(
                f"recipe {self.name}: ciconv_steps is {self.ciconv_steps}, bootstrap "
                f"{self.bootstrap}; use 0 and 1 up"
            )

        unknown = sorted(set(self.rows) - {one.name for one in TRAININGS})
        if unknown:
            raise NightsegError(
                f"recipe {self.name}: row '{unknown[0]}' is unknown; there are "
                f"{', '.join(one.name for one in TRAININGS)}"
            )

    def trainings(self) -> tuple[Training, ...]:
        """Return the rows that this recipe has the means for."""
        return tuple(
            one
            for one in TRAININGS
            if (self.enhancement or one.way != "enhanced")
            and (not self.rows or one.name in ("day", *self.rows))
        )
