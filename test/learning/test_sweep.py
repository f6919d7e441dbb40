# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.learning.sweep import draw_sweep, summary, sweet_spot

ROWS = [
    {"converted": count, "seed": seed, "set": name, "miou": miou + seed}
    for name, values in {
        "night": {0: 20.0, 100: 31.0, 257: 30.0},
        "mean": {0: 30.0, 100: 36.0, 257: 33.0},
    }.items()
    for count, miou in values.items()
    for seed in (0, 1, 2)
]


def test_the_sweet_spot_is_the_best_mean_not_the_best_night():
    rows = [*ROWS, {"converted": 257, "seed": 0, "set": "night", "miou": 90.0}]
    assert sweet_spot(rows) == 100


def test_the_summary_tells_mean_spread_and_seeds():
    assert summary(ROWS)["night, 100 converted"] == "32.0 ± 1.0 (3 seeds)"


def test_the_curve_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    draw_sweep(ROWS, tmp_path / "sweep.png")
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")
