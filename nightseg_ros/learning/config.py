# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A recipe file as checked dataclasses: every key known, every value of the right type."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import yaml

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.augmentation import AugmentConfig
from nightseg_ros.learning.darkening_config import DarkeningConfig, EnhancementConfig
from nightseg_ros.learning.min_max_classifier_config import MinMaxClassifierConfig
from nightseg_ros.learning.min_max_sweep_config import MinMaxSweepConfig
from nightseg_ros.learning.self_training_config import SelfTrainingConfig
from nightseg_ros.learning.thesis_config import ThesisConfig
from nightseg_ros.learning.unpaired_config import TranslateConfig, UnitConfig
from nightseg_ros.plain_yaml import read_plain_yaml

T = TypeVar("T")
LOSSES = ("ce", "focal", "combined", "ce_mse")


@dataclass(frozen=True)
class NetworkConfig:
    """Which network, and how large."""

    name: str = "erf_pspnet"
    width: float = 1.0
    classes: int = 19
    dropout: float = 0.05
    pretrained: bool = True
    weights: str = ""  # file of ImageNet weights for the ResNet of a network; none = fresh
    channels: tuple[NetworkConfig, ...] = ()  # the two networks that `fused` is made of
    ciconv: bool = False  # sees the colour invariant W of the image instead of the image
    auxiliary: bool = False  # a second output of deeplab_v3plus*, from the layer before the last


@dataclass(frozen=True)
class SourceConfig:
    """One training set: where it is, how often it is drawn, whether it may be relit as night."""

    data: str
    weight: float = 1.0
    relight: bool = False
    count: int = 0  # 0 = all; otherwise this many, drawn with the seed
    translated: str = ""  # folder of translated images of the same names that replace `replace`
    replace: int = 0
    skip: int = 0  # leave out the first of the seed's order: those that `count` takes elsewhere

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise NightsegError(f"weight of {self.data} is {self.weight}; use a number above 0")
        if self.replace and not self.translated:
            raise NightsegError(f"{self.data}: replace needs the folder of translated images")


@dataclass(frozen=True)
class TrainConfig:
    """One training run of a segmentation network."""

    name: str
    train: tuple[SourceConfig, ...]
    val: tuple[str, ...]
    recipe: str = "segmentation"
    network: NetworkConfig = field(default_factory=NetworkConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    init: str = ""  # checkpoint to start from
    teacher: str = ""  # checkpoint whose scores are to be matched, beside the labels
    distill: float = 0.5  # share of the loss that matches the teacher's scores
    # ce | focal | combined = alpha * ce + (1 - alpha) * focal, per pixel | ce_mse = ce + squared
    loss: str = "ce"  # error of the chances
    alpha: float = 0.5
    gamma: float = 2.0  # of the focal loss
    monitor: str = "miou/mean"  # validation figure that chooses the checkpoint, or last
    view: tuple[int, int] = (224, 384)  # height and width of the training views
    cache: tuple[int, int] = (288, 512)  # size at which the sets are kept in memory
    test_size: tuple[int, int] = (272, 480)  # size at which validation runs
    steps: int = 2000
    batch: int = 8
    lr: float = 6e-4
    weight_decay: float = 1e-2
    ema: float = 0.998
    val_every: int = 300
    patience: int = 0  # validations without a gain before stopping; 0 = never
    seed: int = 0
    precision: str = "bf16-mixed"
    compile: bool = False
    devices: int = 1
    nodes: int = 1

    def __post_init__(self) -> None:
        if not self.train:
            raise NightsegError(f"recipe {self.name}: train is empty; name at least one set")
        if not 0.0 <= self.distill <= 1.0:
            raise NightsegError(f"recipe {self.name}: distill is {self.distill}; use 0 to 1")
        if self.loss not in LOSSES:
            raise NightsegError(
                f"recipe {self.name}: loss is '{self.loss}'; there are {', '.join(LOSSES)}"
            )
        if not 0.0 <= self.alpha <= 1.0 or self.gamma < 0:
            raise NightsegError(
                f"recipe {self.name}: alpha is {self.alpha} and gamma {self.gamma}; "
                "use 0 to 1, and 0 up"
            )
        for key in ("steps", "batch", "val_every"):
            if getattr(self, key) < 1:
                raise NightsegError(f"recipe {self.name}: {key} is {getattr(self, key)}; use 1 up")
        for key in ("view", "cache", "test_size"):
            if any(side < 8 or side % 8 for side in getattr(self, key)):
                raise NightsegError(
                    f"recipe {self.name}: {key} is {getattr(self, key)}; use multiples of 8"
                )


@dataclass(frozen=True)
class TaskTranslatorConfig(TrainConfig):
    """One training of a night-to-day translator that a frozen day model has to profit from.

    Sources with `relight` are day frames of which nights are made; the others are night frames
    already, of which only the labels are known.
    """

    recipe: str = "task_translator"
    day_model: str = ""  # checkpoint of the segmentation network behind the translator
    generator: str = "light"
    filters: int = 24
    blocks: int = 11
    day2night: str = ""  # generator that makes some of the nights
    generated: float = 0.0  # share of the nights that it makes; the others are relit
    task: float = 1.0  # weight of the labels, as the day model sees the translated frame
    consistency: float = 0.25  # of its own scores on the day frame
    reconstruction: float = 1.0  # of the L1 distance from the day frame
    features: float = 0.1  # of the day model's features of the day frame
    big: str = ""  # large night-to-day generator whose features are to be matched
    imitation: float = 0.5  # weight of that

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.day_model:
            raise NightsegError(f"recipe {self.name}: day_model is empty; name its checkpoint")
        if self.teacher or self.compile:
            raise NightsegError(
                f"recipe {self.name}: teacher and compile are for recipe segmentation; leave them"
            )
        if not 0.0 <= self.generated <= 1.0 or (self.generated and not self.day2night):
            raise NightsegError(
                f"recipe {self.name}: generated is {self.generated}, day2night is "
                f"'{self.day2night}'; use 0 to 1, and name the generator"
            )
        weights = ("task", "consistency", "reconstruction", "features", "imitation")
        if min(getattr(self, key) for key in weights) < 0:
            raise NightsegError(f"recipe {self.name}: {', '.join(weights)} must be 0 or more")


@dataclass(frozen=True)
class SweepConfig:
    """One training per number of translated frames and seed."""

    name: str
    base: str  # recipe of a single run, beside this file
    counts: tuple[int, ...]  # frames of the first training set that are replaced by translated ones
    translated: str  # folder of their translations
    seeds: tuple[int, ...] = (0, 1, 2)
    recipe: str = "sweep"

    def __post_init__(self) -> None:
        if not self.counts or not self.seeds:
            raise NightsegError(f"recipe {self.name}: counts and seeds must not be empty")


# A text names the module of a class that builds on one of this file.
CONFIGS: dict[str, type | str] = {
    "segmentation": TrainConfig,
    "cyclegan": TranslateConfig,
    "unit": UnitConfig,
    "task_translator": TaskTranslatorConfig,
    "darkening": DarkeningConfig,
    "enhancement": EnhancementConfig,
    "sweep": SweepConfig,
    "self_training": SelfTrainingConfig,
    "thesis": ThesisConfig,
    "min_max": "min_max_config:MinMaxConfig",
    "min_max_sweep": MinMaxSweepConfig,
    "min_max_classifier": MinMaxClassifierConfig,
    "adversarial": "adversarial_config:AdversarialConfig",
    "fused": "fused_config:FusedConfig",
    "nisenet_fusion": "nisenet_config:FusionConfig",
    "nisenet": "nisenet_config:NisenetConfig",
}


def load_config(path: Path, overrides: Iterable[str] = ()) -> Any:
    """Read the recipe at `path`, apply `key=value` overrides (dots descend) and check it all."""
    data: dict[str, Any] = read_plain_yaml(path)
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise NightsegError(f"--set {override}: write it as key=value")
        node: Any = data
        *parents, last = key.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
            if not isinstance(node, dict):
                raise NightsegError(f"--set {override}: '{parent}' holds no further keys")
        node[last] = yaml.safe_load(value) if value else ""
    kind = str(data.get("recipe", "segmentation"))
    if kind not in CONFIGS:
        raise NightsegError(f"{path}: recipe is '{kind}'; there are {', '.join(CONFIGS)}")
    return build(_config_class(CONFIGS[kind]), data, str(path))


def _config_class(named: type | str) -> type:
    if isinstance(named, type):
        return named
    module, _, name = named.partition(":")
    found: type = getattr(import_module(f"{__package__}.{module}"), name)
    return found


def as_plain(value: Any) -> Any:
    """Return a recipe (or what it is made of) as dicts and lists, to be kept in checkpoints."""
    if is_dataclass(value) and not isinstance(value, type):
        return as_plain(asdict(value))
    if isinstance(value, dict):
        return {key: as_plain(item) for key, item in value.items()}
    return [as_plain(item) for item in value] if isinstance(value, list | tuple) else value


def build(cls: type[T], data: Mapping[str, Any], where: str) -> T:
    """Make a dataclass of plain data, refusing unknown, missing and wrongly typed keys."""
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
            raise NightsegError(f"{where}: key '{key}' is unknown; {hint}")
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for name, entry in known.items():
        if name in data:
            values[name] = _convert(hints[name], data[name], f"{where}: {name}")
        elif entry.default is MISSING and entry.default_factory is MISSING:
            raise NightsegError(f"{where}: key '{name}' is missing")
    return cls(**values)


def _convert(kind: Any, value: Any, where: str) -> Any:
    """Return `value` as `kind`, or raise with the place, the value and what was expected."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise NightsegError(f"{where} is {value!r}; use a mapping of keys")
        return build(kind, value, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise NightsegError(f"{where} is {value!r}; use a list")
        if arguments[-1] is Ellipsis:
            return tuple(_convert(arguments[0], x, f"{where}[{i}]") for i, x in enumerate(value))
        if len(value) != len(arguments):
            raise NightsegError(f"{where} is {value!r}; use {len(arguments)} values")
        return tuple(_convert(k, x, where) for k, x in zip(arguments, value, strict=True))
    if origin in (typing.Union, types.UnionType):
        return value if value is None else _convert(arguments[0], value, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is float and isinstance(value, str):  # YAML 1.1 reads 1e-4 as a text
        try:
            return float(value)
        except ValueError:
            pass
    if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise NightsegError(f"{where} is {value!r}; use a value of type {kind.__name__}")
    return value
