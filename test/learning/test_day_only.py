# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Zero-shot training refuses every frame that is not known to be of the day."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="learning needs the extra train")

from support.made_up_data import make_data

from nightseg_ros.datasets.catalog import open_set
from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.day_only import require_day_only


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize("spec", ["bdd_labelled/train", "camvid/train", "bdd_labelled/val@day"])
def test_sets_whose_manifest_says_day_are_taken(data, spec):
    require_day_only([open_set(f"nightseg:{data}:{spec}")])


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("nightseg:{}:bdd_labelled/val", "is of night, and zero-shot training sees day only; "),
        ("nightseg:{}:pool_night", "is of night"),
        ("nightseg:{}:camvid/test_dusk", "is of dusk"),
        ("unlabelled:{}/pool_day", "does not say its time of day"),
        # Bright enough to be taken for day is not enough.
        ("unlabelled:{}/pool_day@day", "does not say its time of day"),
    ],
)
def test_other_sets_are_refused(data, spec, reason):
    day = open_set(f"nightseg:{data}:bdd_labelled/train")
    with pytest.raises(NightsegError, match=reason):
        require_day_only([day, open_set(spec.format(data))])
