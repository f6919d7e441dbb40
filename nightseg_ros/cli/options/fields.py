# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The one place where a frozen dataclass becomes arguments of the command line, and back.

Each field is one option: its name and type come from the field, the rest from `option`, `flag` or
`argument`; `nested` brings all options of another such dataclass.

>>> @dataclass(frozen=True, kw_only=True)
... class Options:
...     image: Path = argument("an image")
...     scale: float = option("how much larger", 1.0)
...     topic: tuple[str, ...] = option("may be repeated", ())
...     dry_run: bool = flag("write nothing")
>>> parser = argparse.ArgumentParser()
>>> add_options(parser, Options)
>>> read_options(Options, parser.parse_args(["a.png", "--topic", "x", "--topic", "y", "--dry-run"]))
Options(image=PosixPath('a.png'), scale=1.0, topic=('x', 'y'), dry_run=True)
"""

from __future__ import annotations

import argparse
import dataclasses
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any, TypeVar

OptionsT = TypeVar("OptionsT")


@dataclass(frozen=True)
class Group:
    """Options that stand in --help under a title of their own."""

    title: str
    about: str | None = None


@dataclass(frozen=True, eq=False)
class OneOf:
    """Options of which at most one may be given; exactly one where one is required."""

    required: bool = False
    group: Group | None = None


def option(
    text: str,
    default: Any = MISSING,
    *,
    factory: Any = MISSING,
    parse: Callable[[str], Any] | None = None,
    choices: Sequence[str] | None = None,
    metavar: str | None = None,
    nargs: str | None = None,
    const: str | None = None,
    group: Group | OneOf | None = None,
    fills: bool = False,
) -> Any:
    """Return a field that is an option `--like-this`; without a default it must be given.

    A tuple[X, ...] is an option that may be repeated, or takes several words at once with `nargs`.
    `parse` makes the value of one word where the type of the field does not; `const` is the value
    of an option that is given without one, where `nargs` is "?". Nobody else may write
    into a folder that the verb `fills` meanwhile.
    """
    words = {"help": text, "choices": choices, "metavar": metavar}
    words |= {"nargs": nargs, "const": const}
    facts = {"words": words, "parse": parse, "group": group, "fills": fills}
    return dataclasses.field(default=default, default_factory=factory, metadata=facts)


def flag(text: str, *, group: Group | OneOf | None = None) -> Any:
    """Return a field that is an option without a value, False where it is not given."""
    return option(text, False, group=group)


def nested(kind: type[OptionsT]) -> OptionsT:
    """Return a field that holds the options of another such dataclass."""
    made: OptionsT = dataclasses.field(default_factory=kind)
    return made


def argument(text: str, *, choices: Sequence[str] | None = None, metavar: str | None = None) -> Any:
    """Return a field that is an argument without a name; a tuple[X, ...] takes one or more."""
    words = {"help": text, "choices": choices, "metavar": metavar}
    return dataclasses.field(metadata={"words": words, "positional": True})


def add_options(parser: argparse.ArgumentParser, kind: type[Any]) -> None:
    """Give a parser the options that a dataclass describes."""
    places: dict[Group | OneOf, Any] = {}

    def place(group: Group | OneOf | None) -> Any:
        if group is None:
            return parser
        if group not in places:
            places[group] = (
                parser.add_argument_group(group.title, group.about)
                if isinstance(group, Group)
                else place(group.group).add_mutually_exclusive_group(required=group.required)
            )
        return places[group]

    for field, hint in _fields(kind):
        place(field.metadata.get("group")).add_argument(*_names(field), **_words(field, hint))


def read_options(kind: type[OptionsT], args: argparse.Namespace) -> OptionsT:
    """Return what was parsed as the dataclass that `add_options` was given."""
    hints, values = typing.get_type_hints(kind), {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        if dataclasses.is_dataclass(hints[field.name]):
            values[field.name] = read_options(hints[field.name], args)
            continue
        value = getattr(args, field.name)
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def folders_to_fill(options: Any) -> list[Path]:
    """Return the folders that a verb is to fill, each once: one may be named by two options."""
    found: dict[Path, Path] = {}
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if dataclasses.is_dataclass(value):
            found |= {folder.resolve(): folder for folder in folders_to_fill(value)}
        elif field.metadata.get("fills") and value is not None:
            found[value.resolve()] = value
    return list(found.values())


def _fields(kind: type[Any]) -> Iterator[tuple[dataclasses.Field[Any], Any]]:
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[field.name]):
            yield from _fields(hints[field.name])
        else:
            yield field, hints[field.name]


def _names(field: dataclasses.Field[Any]) -> tuple[str, ...]:
    positional = field.metadata.get("positional")
    return (field.name,) if positional else (f"--{field.name.strip('_').replace('_', '-')}",)


def _words(field: dataclasses.Field[Any], hint: Any) -> dict[str, Any]:
    """Return the arguments of `add_argument` for an option."""
    words = {key: value for key, value in field.metadata["words"].items() if value is not None}
    if field.name.endswith("_"):  # an option whose name is a word of Python
        words["dest"] = field.name
    if hint is bool:
        return {**words, "action": "store_true"}
    kind, several = _kind(hint)
    words["type"] = field.metadata.get("parse") or kind
    if field.metadata.get("positional"):
        return {**words, "nargs": "+"} if several else words
    default: Any = field.default if field.default_factory is MISSING else field.default_factory()
    if several and "nargs" not in words and not field.metadata["parse"]:
        return {**words, "action": "append", "default": list(default)}
    return {**words, "required": True} if default is MISSING else {**words, "default": default}


def _kind(hint: Any) -> tuple[Any, bool]:
    """Return the type of one word of an option, and whether it takes several.

    >>> _kind(typing.Optional[int]), _kind(tuple[float, ...])
    ((<class 'int'>, False), (<class 'float'>, True))
    """
    inner = [part for part in typing.get_args(hint) if part is not type(None)]
    if typing.get_origin(hint) is tuple:
        return inner[0], inner[-1] is Ellipsis
    return _kind(inner[0]) if inner else (hint, False)
