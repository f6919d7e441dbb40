# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every key says what it means, and its limit is both checked and shown."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.keys import KeyRow, Keys, key, key_rows
from nightseg_ros.learning.limits import at_least, filled, within


@dataclass(frozen=True)
class Part(Keys, subject="part."):
    share: float = key("a share", 0.5, within(0, 1))


@dataclass(frozen=True)
class Base(Keys):
    name: str
    files: tuple[str, ...] = key("the files", limit=filled("at least one"))
    count: int = key("how many", 1, at_least(1))
    steps: int = 10
    size: tuple[int, int] = key("height and width", (2, 3))
    part: Part = key("a part", factory=Part)
    parts: tuple[Part, ...] = key("more of them", ())
    maybe: bool | None = key("whether", None)


@dataclass(frozen=True)
class Derived(Base):
    count: int = 5
    size: tuple[int, int] = key("in another meaning", (4, 4))


def test_rows_of_a_recipe():
    share = ("float", "0.5", "0 to 1", "a share")
    assert list(key_rows(Base)) == [
        KeyRow("name", "str", "required", "", "name of the training, and of its folder in runs/"),
        KeyRow("files", "list of str", "required", "at least one", "the files"),
        KeyRow("count", "int", "1", "1 or more", "how many"),
        KeyRow("steps", "int", "10", "1 or more", "optimizer steps"),
        KeyRow("size", "int and int", "[2, 3]", "", "height and width"),
        KeyRow("part", "keys", "", "", "a part"),
        KeyRow("part.share", *share),
        KeyRow("parts", "list of keys", "[]", "", "more of them"),
        KeyRow("parts[].share", *share),
        KeyRow("maybe", "bool", "None", "", "whether"),
    ]


def test_a_key_that_only_changes_its_default_keeps_meaning_and_limit():
    rows = {row.key: row for row in key_rows(Derived)}
    assert rows["count"] == KeyRow("count", "int", "5", "1 or more", "how many")
    assert rows["size"].description == "in another meaning"
    with pytest.raises(NightsegError, match="recipe x: count is 0; use 1 or more"):
        Derived("x", ("a",), 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Base("x", ()), r"recipe x: files is \[\]; use at least one"),
        (lambda: Base("x", ("a",), steps=0), "recipe x: steps is 0; use 1 or more"),
        (lambda: Part(1.5), "part.share is 1.5; use 0 to 1"),
        (lambda: Part(float("nan")), "part.share is nan; use 0 to 1"),
    ],
)
def test_values_outside_are_refused(make, message):
    with pytest.raises(NightsegError, match=message):
        make()


def test_every_key_of_every_method_says_what_it_means():
    pytest.importorskip("lightning", reason="learning needs the extra train")
    from nightseg_ros.learning.methods import find_method, method_names

    silent = [
        f"{name}: {row.key}"
        for name in method_names()
        for row in key_rows(find_method(name).config)
        if not row.description
    ]
    assert silent == []
