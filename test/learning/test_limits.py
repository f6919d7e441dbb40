# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every number of every recipe has a range, and a value outside gets one plain message."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.config import load_config  # noqa: E402

RECIPES = sorted((Path(__file__).parents[2] / "config" / "recipes").glob("*.yaml"))


def owners(value: Any) -> Iterator[Any]:
    """Yield a recipe and every part of it that has keys."""
    if is_dataclass(value):
        yield value
        for entry in fields(value):
            yield from owners(getattr(value, entry.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from owners(item)


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -1e9])
def test_every_number_has_a_range(path, bad):
    for owner in owners(load_config(path)):
        for entry in fields(owner):
            value = getattr(owner, entry.name)
            wrong: Any = bad
            if isinstance(value, tuple) and value and all(map(is_number, value)):
                wrong = (bad, *value[1:])
            elif not is_number(value):
                continue
            with pytest.raises(NightsegError, match=rf"\b{entry.name} is \[?{bad}.*; use "):
                replace(owner, **{entry.name: wrong})


@pytest.mark.parametrize(
    ("recipe", "change", "message"),
    [
        ("teacher", "lr=-1", "recipe teacher: lr is -1.0; use a number above 0"),
        ("teacher", "lr=.nan", "lr is nan; use a finite number"),
        ("teacher", "ema=1.5", "recipe teacher: ema is 1.5; use 0 or more, less than 1"),
        ("teacher", "weight_decay=-1", "weight_decay is -1.0; use 0 or more"),
        ("teacher", "patience=-1", "patience is -1; use 0 or more"),
        (
            "teacher",
            "precision=foo",
            "precision is 'foo'; use one of auto, 32-true, bf16-mixed",
        ),
        ("teacher", "loss=foo", "loss is 'foo'; use one of ce, focal, combined, ce_mse"),
        ("teacher", "train=[]", "train is []; use at least one set"),
        ("teacher", "view=[8, 12]", "view is [8, 12]; use height and width as multiples of 8"),
        ("teacher", "network.classes=5", "network.classes is 5; labels are read as cityscapes19"),
        ("erf_pspnet_day", "network.dropout=1.5", "network.dropout is 1.5; use 0 or more, less"),
        ("cyclegan", "day=[]", "day is []; use at least one set of day images"),
        ("cyclegan", "lr=.inf", "lr is inf; use a finite number"),
        (
            "self_training",
            "scales=[0.0]",
            "scales is [0.0]; use 1 value or more, each a number above 0",
        ),
        ("min_max", "exposure=[0.3, 0.1]", "exposure is [0.3, 0.1]; use two numbers from 0 to 1"),
        ("teacher", "augment.zoom=[2, 1]", "augment.zoom is [2.0, 1.0]; use two numbers from 0.1"),
    ],
)
def test_a_value_outside_its_range_gets_one_plain_message(recipe, change, message):
    path = next(path for path in RECIPES if path.stem == recipe)
    with pytest.raises(NightsegError) as refused:
        load_config(path, [change])
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
