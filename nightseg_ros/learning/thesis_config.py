# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The trainings behind the improvement table of the thesis, and the keys of their sweep."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.errors import NightsegError


@dataclass(frozen=True)
class Training:
    """One training of the table: what it starts from, what it learns from, and by which loss."""

    name: str
    parts: tuple[str, ...]  # day | night (translated) | plain | camvid | all | his | fid
    init: str = ""  # an earlier training; none = from scratch
    teacher: str = ""  # an earlier training that labels the unlabelled parts
    loss: str = "ce"


UNLABELLED = ("camvid", "all", "his", "fid")

TRAININGS = (
    Training("day", ("day",)),
    Training("camvid_scratch", ("day", "camvid"), "", "day"),
    Training("camvid_checkpoint", ("day", "camvid"), "day", "day"),
    Training("plain", ("day", "plain")),
    Training("plain_all", ("day", "plain", "all"), "plain", "plain"),
    Training("daynight", ("day", "night")),
    Training("daynight_all", ("day", "night", "all"), "daynight", "daynight"),
    Training("daynight_his", ("day", "night", "his"), "daynight", "daynight"),
    Training("night_only", ("night",)),
    Training("more_night", ("day", "night", "night"), "daynight"),
    Training("night_only_his", ("night", "his"), "night_only", "night_only"),
    Training("more_night_his", ("day", "night", "his"), "more_night", "more_night"),
    Training("focal", ("day", "night"), loss="focal"),
    Training("focal_his", ("day", "night", "his"), "focal", "focal", "focal"),
    Training("fid_ce", ("day", "night", "fid"), "daynight", "daynight"),
    Training("fid_combined", ("day", "night", "fid"), "daynight", "daynight", "combined"),
    Training("his_combined", ("day", "night", "his"), "daynight", "daynight", "combined"),
    Training("twice_ce", ("day", "night", "fid"), "more_night_his", "more_night_his"),
    Training(
        "twice_combined", ("day", "night", "fid"), "more_night_his", "more_night_his", "combined"
    ),
)
"""In an order in which each finds what it starts from."""


@dataclass(frozen=True)
class ThesisConfig:
    """All trainings of the table with several seeds."""

    name: str
    base: str  # recipe of a single training; its first set holds the labelled day frames
    translated: str  # folder of night translations of these frames
    night_pool: str
    camvid: str
    features: str  # checkpoint whose features choose the images near the translated ones
    night2day: str  # translator of the night validation frames
    recall: str  # night frames with drivable masks
    recipe: str = "thesis"
    without_perceptual: str = ""  # translations of a translator without the perceptual loss
    few: int = 240  # selected images
    many: int = 480  # images in place of the whole pool
    tune_steps: int = 150  # of trainings that start from another
    threshold: float = 0.0  # the thesis keeps every label
    label_width: int = 256
    seeds: tuple[int, ...] = (0, 1, 2)

    def __post_init__(self) -> None:
        if not self.seeds:
            raise NightsegError(f"recipe {self.name}: seeds is empty; name at least one")
        for key in ("few", "many", "tune_steps", "label_width"):
            if getattr(self, key) < 1:
                raise NightsegError(f"recipe {self.name}: {key} is {getattr(self, key)}; use 1 up")

    def trainings(self) -> tuple[Training, ...]:
        """Return the trainings that this recipe has the translations for."""
        return tuple(
            one for one in TRAININGS if self.without_perceptual or "plain" not in one.parts
        )
