# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A recipe file as checked dataclasses: every key known, every value of the right type."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.augmentation import AugmentConfig
from nightseg_ros.plain_yaml import read_plain_yaml

T = TypeVar("T")


@dataclass(frozen=True)
class NetworkConfig:
    """Which network, and how large."""

    name: str = "erf_pspnet"
    width: float = 1.0
    classes: int = 19
    dropout: float = 0.05
    pretrained: bool = True


@dataclass(frozen=True)
class SourceConfig:
    """One training set: where it is, how often it is drawn, whether it may be relit as night."""

    data: str
    weight: float = 1.0
    relight: bool = False
    count: int = 0  # 0 = all; otherwise this many, drawn with the seed
    translated: str = ""  # folder of translated images of the same names that replace `replace`
    replace: int = 0

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
        for key in ("steps", "batch", "val_every"):
            if getattr(self, key) < 1:
                raise NightsegError(f"recipe {self.name}: {key} is {getattr(self, key)}; use 1 up")
        for key in ("view", "cache", "test_size"):
            if any(side < 8 or side % 8 for side in getattr(self, key)):
                raise NightsegError(
                    f"recipe {self.name}: {key} is {getattr(self, key)}; use multiples of 8"
                )


@dataclass(frozen=True)
class TranslateConfig:
    """One unpaired training of day <-> night translators."""

    name: str
    day: tuple[str, ...]
    night: tuple[str, ...]
    recipe: str = "cyclegan"
    generator: str = "resnet"  # resnet = 9 blocks of 64 | light = about 0.3 M parameters
    blocks: int = 9
    filters: int = 64
    cache: tuple[int, int] = (272, 480)
    view: tuple[int, int] = (256, 256)
    steps: int = 20000
    batch: int = 1
    lr: float = 2e-4
    cycle: float = 10.0
    identity: float = 0.5
    pool: int = 50
    save_every: int = 500
    seed: int = 0
    precision: str = "bf16-mixed"
    devices: int = 1
    nodes: int = 1

    def __post_init__(self) -> None:
        if self.generator not in ("resnet", "light"):
            raise NightsegError(f"generator is '{self.generator}'; use resnet or light")


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


CONFIGS: dict[str, type] = {
    "segmentation": TrainConfig,
    "cyclegan": TranslateConfig,
    "sweep": SweepConfig,
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
    return build(CONFIGS[kind], data, str(path))


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
