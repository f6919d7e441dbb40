# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recipes that learn day <-> night from two piles of images that show different places."""

from __future__ import annotations

from dataclasses import dataclass

from nightseg_ros.errors import NightsegError


@dataclass(frozen=True)
class UnpairedConfig:
    """What every unpaired training of two translators has."""

    name: str
    day: tuple[str, ...]
    night: tuple[str, ...]
    recipe: str = ""
    generator: str = ""
    blocks: int = 9
    filters: int = 64
    cache: tuple[int, int] = (272, 480)
    view: tuple[int, int] = (256, 256)
    steps: int = 20000
    batch: int = 1
    lr: float = 2e-4
    cycle: float = 10.0
    pool: int = 50  # made images that the judges remember; 0 = they see the newest only
    save_every: int = 500
    seed: int = 0
    precision: str = "bf16-mixed"
    devices: int = 1
    nodes: int = 1

    def __post_init__(self) -> None:
        for key in ("steps", "batch", "save_every", "filters"):
            if getattr(self, key) < 1:
                raise NightsegError(f"recipe {self.name}: {key} is {getattr(self, key)}; use 1 up")
        if any(side % 4 or side < 8 for side in self.view):
            raise NightsegError(f"recipe {self.name}: view is {self.view}; use multiples of 4")
        if any(v > c for v, c in zip(self.view, self.cache, strict=True)):
            raise NightsegError(
                f"recipe {self.name}: view {self.view} is larger than cache {self.cache}"
            )


@dataclass(frozen=True)
class TranslateConfig(UnpairedConfig):
    """One CycleGAN."""

    recipe: str = "cyclegan"
    generator: str = "resnet"  # resnet = 9 blocks of 64 | light = about 0.3 M parameters
    identity: float = 0.5  # weight, times cycle, of leaving the target's own images alone

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.generator not in ("resnet", "light"):
            raise NightsegError(f"generator is '{self.generator}'; use resnet or light")


@dataclass(frozen=True)
class UnitConfig(UnpairedConfig):
    """One UNIT: two variational auto-encoders that share a latent space."""

    recipe: str = "unit"
    generator: str = "unit"
    blocks: int = 4  # in each encoder, and in each decoder
    shared: int = 1  # of these, next to the latent space, used by day and night alike
    lr: float = 1e-4
    weight_decay: float = 1e-4
    pool: int = 0
    halve_every: int = 100_000  # steps after which the rate is halved, again and again
    judge_filters: int = 64
    judge_scales: int = 3
    gan: float = 1.0
    reconstruction: float = 10.0
    kl: float = 0.01
    cycle_kl: float = 0.01
    perceptual: float = 0.0  # 1.0 in the thesis
    perceptual_network: str = ""  # VGG16 weights as torchvision names them, or our own checkpoint

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.generator != "unit":
            raise NightsegError(f"generator is '{self.generator}'; recipe unit has its own, unit")
        if not 0 <= self.shared <= self.blocks:
            raise NightsegError(f"shared is {self.shared}; use 0 to blocks ({self.blocks})")
        if self.halve_every < 1 or self.judge_scales < 1:
            raise NightsegError(
                f"halve_every is {self.halve_every}, judge_scales {self.judge_scales}; use 1 up"
            )
        smallest = min(self.view) // 2 ** (self.judge_scales - 1)
        if smallest < 16:
            raise NightsegError(
                f"view {self.view} leaves {smallest} pixels to the coarsest of {self.judge_scales} "
                "judges; use a larger view or fewer judge_scales"
            )
        if self.perceptual and not self.perceptual_network:
            raise NightsegError(
                f"perceptual is {self.perceptual}, but perceptual_network is empty; name a file of "
                "VGG16 weights, or a day model of ours such as runs/erf_pspnet_day/model.pt, or "
                "set perceptual=0"
            )
