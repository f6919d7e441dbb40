# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A recipe file as checked dataclasses: every key known, every value of the right type."""

from __future__ import annotations

import difflib
import math
import types
import typing
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.plain_yaml import plain_value, read_plain_yaml
from nightseg_ros.learning.methods import find_method
from nightseg_ros.learning.network_config import NetworkConfig

T = TypeVar("T")


def load_config(path: Path, overrides: Iterable[str] = ()) -> Any:
    """Read the recipe at `path`, apply `key=value` overrides (dots descend) and check it all."""
    data = read_overridden(path, overrides)
    try:
        method = find_method(str(data.get("recipe", "segmentation")))
    except NightsegError as error:
        raise NightsegError(f"{path}: {error}") from error
    return build(method.config, data, str(path))


def read_overridden(path: Path, overrides: Iterable[str]) -> dict[str, Any]:
    """Return the mapping in a file, changed by `key=value` overrides (dots descend)."""
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
        try:
            node[last] = plain_value(value) if value else ""
        except NightsegError as error:
            raise NightsegError(f"--set {override}: the value is {error}; quote it") from error
    return data


def as_plain(value: Any) -> Any:
    """Return a recipe (or what it is made of) as dicts and lists, to be kept in checkpoints."""
    if isinstance(value, NetworkConfig):
        return as_plain(value.described())
    if is_dataclass(value) and not isinstance(value, type):
        return {entry.name: as_plain(getattr(value, entry.name)) for entry in fields(value)}
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
    if origin is dict:
        if not isinstance(value, Mapping):
            raise NightsegError(f"{where} is {value!r}; use a mapping of names")
        return {str(k): _convert(arguments[1], x, f"{where}.{k}") for k, x in value.items()}
    if kind is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        return value if value is None else _convert(arguments[0], value, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in (int, float) and isinstance(value, str):  # YAML 1.1 reads 1e-4 as a text
        with suppress(ValueError):
            value = float(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if kind is float and isinstance(value, float) and not math.isfinite(value):
        raise NightsegError(f"{where} is {value}; use a finite number")
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise NightsegError(f"{where} is {value!r}; use a value of type {kind.__name__}")
    return value
