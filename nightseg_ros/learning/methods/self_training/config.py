# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a self-training recipe: who teaches, which pools, how sure a label must be."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.learning.keys import Keys, key
from nightseg_ros.learning.limits import (
    above,
    at_least,
    each,
    filled,
    one_of,
    share_above_zero,
    share_below_one,
    sides,
    within,
)

STARTS = ("checkpoint", "scratch")
NEXT_TEACHERS = ("student", "mean", "joined", "fixed")


@dataclass(frozen=True)
class TeacherConfig(Keys, subject="teacher {checkpoint}"):
    """One route to a label: a segmentation checkpoint, perhaps behind a translator."""

    checkpoint: str = key("a segmentation checkpoint")
    translator: str = key(
        "checkpoint of a translator that the image goes through before; none = as it is", ""
    )
    translate_size: tuple[int, int] = key(
        "height and width at which it translates", (272, 480), sides(4, 8)
    )
    weight: float = key("weight of its probabilities in the average of all teachers", 1.0, above(0))


@dataclass(frozen=True)
class PoolConfig(Keys, subject="pool {images}"):
    """Unlabelled images that the teachers label, and how often they are drawn."""

    images: str = key("set of unlabelled images")
    weight: float = key(
        "how often its frames are drawn, beside those of the other sets", 1.0, above(0)
    )
    count: int = key("use this many, spread evenly over the pool; 0 = all", 0, at_least(0))
    relight: bool = key("some of its frames are relit as night", False)


@dataclass(frozen=True)
class ClassThreshold(Keys, subject="class {name}"):
    """A threshold that is set by hand instead of measured."""

    name: str = key("name of a class")
    threshold: float = key("least probability of its labels", limit=share_below_one())


@dataclass(frozen=True)
class SelfTrainingConfig(Keys):
    """Rounds of: teachers label the pools, a student learns from labels and pools."""

    name: str
    student: str = key("recipe of one training, to which the labelled pools are added")
    pools: tuple[PoolConfig, ...] = key(
        "unlabelled images that the teachers label", limit=filled("at least one folder of images")
    )
    teachers: tuple[TeacherConfig, ...] = key(
        "the teachers of the first round; none = the init of the student", ()
    )
    recipe: str = "self_training"
    overrides: tuple[str, ...] = key("KEY=VALUE changes of the recipe of the student", ())
    start: str = key(
        "checkpoint = every round goes on from the last one | scratch = fresh weights",
        "checkpoint",
        one_of(STARTS),
    )
    next_teacher: str = key(
        "student | mean (of both weights) | joined (student and teachers) | fixed",
        "student",
        one_of(NEXT_TEACHERS),
    )
    mean_keep: float = key("share of the old teacher in the mean", 0.5, within(0, 1))
    ema_teacher: bool = key(
        "label the pools at every step with the running average of the student", False
    )
    watch: str = key(
        "validation set on which a loss is reported as a warning", "bdd_labelled_val@day"
    )
    rounds: int = key("number of rounds", 2, at_least(1))
    keep: float = key(
        "share of the surest pixels of each class that keep their label", 0.6, share_above_zero()
    )
    floor: float = key("pixels less sure than this get no label", 0.5, share_below_one())
    sure: float = key("pixels surer than this get one", 0.9, share_below_one())
    class_thresholds: tuple[ClassThreshold, ...] = key(
        "thresholds set by hand, in place of the measured ones", ()
    )
    probe: int = key("images of each pool on which thresholds are measured", 60, at_least(1))
    scales: tuple[float, ...] = key(
        "image scales that the teachers average over", (1.0,), each(above(0))
    )
    seed: int = 0

    def check(self) -> None:
        """Refuse values that do not go together."""
        if self.floor > self.sure:
            raise self.refused(f"floor is {self.floor}; use at most sure ({self.sure})")
