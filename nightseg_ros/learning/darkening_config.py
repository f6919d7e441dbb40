# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recipes that train a curve for every pixel: to darken day frames, or to brighten dark ones."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.errors import NightsegError

CURVE_RECIPES = ("darkening", "enhancement")
CURVES = ("quadratic", "gamma", "reciprocal")


@dataclass(frozen=True)
class CurveConfig:
    """What both have: day frames, the kind of curve, and the losses they share."""

    name: str
    images: tuple[str, ...]  # day frames, known to be so
    recipe: str = ""
    curve: str = "quadratic"  # quadratic, as published | gamma | reciprocal
    rounds: int = 8
    floor: float = 0.95  # least scale of the quadratic curve
    shrink: int = 1  # the curves are estimated on frames so many times smaller
    gain: float = 1.0  # exposures are shown to the estimator so many times as large
    exposure: tuple[float, float] = (0.0, 0.5)  # mean grey values that are asked for
    apply_at: float = 0.1  # the one that exports and translations use
    exposure_weight: float = 10.0
    exposure_patch: int = 1
    colour: float = 25.0
    smooth: float = 1600.0
    flex: float = 1.0
    cache: tuple[int, int] = (256, 512)
    view: tuple[int, int] = (256, 512)
    steps: int = 2000
    batch: int = 4
    lr: float = 1e-4  # a tenth of it after a third, a hundredth after two thirds of the steps
    weight_decay: float = 1e-4
    clip: float = 0.1
    save_every: int = 250
    seed: int = 0
    precision: str = "bf16-mixed"
    devices: int = 1
    nodes: int = 1

    def __post_init__(self) -> None:
        where = f"recipe {self.name}"
        if not self.images:
            raise NightsegError(f"{where}: images is empty; name at least one set of day frames")
        if self.curve not in CURVES:
            raise NightsegError(f"{where}: curve is '{self.curve}'; there are {', '.join(CURVES)}")
        low, high = self.exposure
        if not 0.0 <= low <= high <= 1.0 or not 0.0 <= self.apply_at <= 1.0:
            raise NightsegError(
                f"{where}: exposure is {self.exposure}, apply_at {self.apply_at}; use 0 to 1, "
                "the lower one first"
            )
        if not 0.0 < self.floor <= 1.0:
            raise NightsegError(f"{where}: floor is {self.floor}; use above 0, to 1")
        for key in ("steps", "batch", "save_every", "rounds", "shrink", "exposure_patch"):
            if getattr(self, key) < 1:
                raise NightsegError(f"{where}: {key} is {getattr(self, key)}; use 1 up")
        if self.gain <= 0:
            raise NightsegError(f"{where}: gain is {self.gain}; use above 0")
        for key in ("exposure_weight", "colour", "smooth", "flex"):
            if getattr(self, key) < 0:
                raise NightsegError(f"{where}: {key} is {getattr(self, key)}; use 0 up")
        if any(side % 8 or side < 16 for side in self.view):
            raise NightsegError(f"{where}: view is {self.view}; use multiples of 8")
        if any(v > c for v, c in zip(self.view, self.cache, strict=True)):
            raise NightsegError(f"{where}: view {self.view} is larger than cache {self.cache}")


@dataclass(frozen=True)
class DarkeningConfig(CurveConfig):
    """One darkening module, against one frozen day network."""

    recipe: str = "darkening"
    day_model: str = ""  # checkpoint of the network that the darkened frames are to be hard for
    stages: tuple[str, ...] = ()  # its submodules that are compared; none = its own
    similarity: float = 0.1
    loose: float = 0.02  # step of the curves that costs most

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.similarity < 0 or self.loose <= 0:
            raise NightsegError(
                f"recipe {self.name}: similarity is {self.similarity}, loose {self.loose}; use 0 "
                "up, and above 0"
            )
        if self.similarity and not self.day_model:
            raise NightsegError(
                f"recipe {self.name}: day_model is empty; name a checkpoint that saw day frames "
                "only, or set similarity=0"
            )


@dataclass(frozen=True)
class EnhancementConfig(CurveConfig):
    """One brightening module, by the losses of Zero-DCE, on darkened day frames."""

    recipe: str = "enhancement"
    exposure: tuple[float, float] = (0.4, 0.6)
    apply_at: float = 0.5
    exposure_patch: int = 16
    colour: float = 5.0
    smooth: float = 200.0
    darkened: tuple[float, float] = (0.02, 0.25)  # mean grey values of the frames, by gamma
    spatial: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = self.darkened
        if not 0.0 < low <= high <= 1.0 or self.spatial < 0:
            raise NightsegError(
                f"recipe {self.name}: darkened is {self.darkened}, spatial {self.spatial}; use "
                "above 0 to 1, and 0 up"
            )
        if any(side % self.exposure_patch for side in self.view):
            raise NightsegError(
                f"recipe {self.name}: view is {self.view}; use multiples of exposure_patch "
                f"({self.exposure_patch})"
            )
