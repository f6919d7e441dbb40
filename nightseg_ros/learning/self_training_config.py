# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a self-training recipe: who teaches, which pools, how sure a label must be."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import CITYSCAPES19

STARTS = ("checkpoint", "scratch")
NEXT_TEACHERS = ("student", "mean", "joined", "fixed")


@dataclass(frozen=True)
class TeacherConfig:
    """One route to a label: a segmentation checkpoint, perhaps behind a translator."""

    checkpoint: str
    translator: str = ""  # night2day.pt: the image is translated before the network sees it
    translate_size: tuple[int, int] = (272, 480)
    weight: float = 1.0  # of its chances in the average of all teachers

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise NightsegError(f"teacher {self.checkpoint}: weight is {self.weight}; use above 0")


@dataclass(frozen=True)
class PoolConfig:
    """Unlabelled images that the teachers label, and how often they are drawn."""

    images: str
    weight: float = 1.0
    count: int = 0  # 0 = all; otherwise this many, spread evenly over the pool
    relight: bool = False


@dataclass(frozen=True)
class ClassThreshold:
    """A threshold that is set by hand instead of measured."""

    name: str
    threshold: float

    def __post_init__(self) -> None:
        if self.name not in CITYSCAPES19.names:
            raise NightsegError(
                f"class '{self.name}' is unknown; there are {', '.join(CITYSCAPES19.names)}"
            )
        if not 0.0 <= self.threshold <= 1.0:
            raise NightsegError(f"threshold of {self.name} is {self.threshold}; use 0 to 1")


@dataclass(frozen=True)
class SelfTrainingConfig:
    """Rounds of: teachers label the pools, a student learns from labels and pools."""

    name: str
    student: str  # recipe of one training, to which the labelled pools are added
    pools: tuple[PoolConfig, ...]
    teachers: tuple[TeacherConfig, ...] = ()  # of the first round; none = the student's init
    recipe: str = "self_training"
    overrides: tuple[str, ...] = ()  # KEY=VALUE changes of the student's recipe
    start: str = "checkpoint"  # or scratch: every round begins with fresh weights
    next_teacher: str = "student"  # | mean (of both weights) | joined (student beside them) | fixed
    mean_keep: float = 0.5  # share of the old teacher in the mean
    ema_teacher: bool = False  # relabel the pools at every step with the student's running average
    watch: str = "bdd_labelled_val@day"  # validation set whose loss must not rise unsaid
    rounds: int = 2
    keep: float = 0.6  # share of the surest pixels of each class that are kept
    floor: float = 0.5  # no pixel less sure than this is ever kept
    sure: float = 0.9  # every pixel surer than this is kept
    class_thresholds: tuple[ClassThreshold, ...] = ()
    probe: int = 60  # images of each pool on which the thresholds are measured
    scales: tuple[float, ...] = (1.0,)
    seed: int = 0

    def __post_init__(self) -> None:
        where = f"recipe {self.name}"
        if not self.pools:
            raise NightsegError(f"{where}: pools is empty; name at least one folder of images")
        if self.start not in STARTS:
            raise NightsegError(f"{where}: start is '{self.start}'; use {' or '.join(STARTS)}")
        if self.next_teacher not in NEXT_TEACHERS:
            raise NightsegError(
                f"{where}: next_teacher is '{self.next_teacher}'; use {', '.join(NEXT_TEACHERS)}"
            )
        if self.rounds < 1 or self.probe < 1 or not self.scales:
            raise NightsegError(f"{where}: rounds and probe must be 1 up, and scales not empty")
        if not 0.0 <= self.floor <= self.sure < 1.0 or not 0.0 < self.keep <= 1.0:
            raise NightsegError(
                f"{where}: floor {self.floor} and sure {self.sure} must rise within 0 and 1, "
                f"keep {self.keep} must be above 0 and at most 1"
            )
        if not 0.0 <= self.mean_keep <= 1.0:
            raise NightsegError(f"{where}: mean_keep is {self.mean_keep}; use 0 to 1")
