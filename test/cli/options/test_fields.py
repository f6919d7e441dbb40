# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frozen dataclasses as options of the command line."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pytest

from nightseg_ros.cli.options import fields
from nightseg_ros.cli.options.fields import (
    Group,
    OneOf,
    argument,
    flag,
    folders_to_fill,
    nested,
    option,
)

OWN = Group("own", "about it")
WHICH = OneOf(group=OWN)


@dataclass(frozen=True, kw_only=True)
class Inner:
    threads: int = option("threads", default=0)
    out: Path | None = option("folder", default=None, fills=True)


@dataclass(frozen=True, kw_only=True)
class Options:
    bag: tuple[Path, ...] = argument("bags")
    inner: Inner = nested(Inner)
    topic: tuple[str, ...] = option("topics", default=())
    scale: tuple[float, ...] = option("scales", default=(1.0,), nargs="+")
    size: tuple[int, int] = option("size", default=(1, 2), parse=lambda text: (len(text), 0))
    jobs: int | None = option("jobs", default=None, group=WHICH)
    all_of_them: bool = flag("all", group=WHICH)
    made: str = option("made late", factory=lambda: "late")


@dataclass(frozen=True, kw_only=True)
class Needed:
    name: str = option("name", choices=("a", "b"))


def parser(kind: type) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(exit_on_error=False)
    fields.add_options(made, kind)
    return made


def read(*words: str) -> Options:
    return fields.read_options(Options, parser(Options).parse_args(words))


def test_defaults_are_those_of_the_dataclass():
    assert read("a") == Options(bag=(Path("a"),))


def test_values_come_in_the_types_of_the_fields():
    words = ["a", "b", "--threads", "3", "--topic", "x", "--topic", "y", "--scale", "2", "3"]
    assert read(*words, "--size", "abc", "--all-of-them") == Options(
        bag=(Path("a"), Path("b")),
        inner=Inner(threads=3),
        topic=("x", "y"),
        scale=(2.0, 3.0),
        size=(3, 0),
        all_of_them=True,
    )


def test_groups_and_exclusions():
    text = parser(Options).format_help()
    assert "own:\n  about it\n" in text
    with pytest.raises(argparse.ArgumentError, match="not allowed with"):
        read("a", "--jobs", "1", "--all-of-them")


def test_an_option_without_a_default_must_be_given(capsys):
    made = parser(Needed)
    with pytest.raises(argparse.ArgumentError, match="invalid choice"):
        made.parse_args(["--name", "c"])
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        made.parse_args([])


def test_options_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        read("a").made = "early"


def test_folders_to_fill_are_found_in_parts_too(tmp_path):
    assert folders_to_fill(Options(bag=(), inner=Inner(out=tmp_path))) == [tmp_path]
    assert folders_to_fill(Options(bag=())) == []
