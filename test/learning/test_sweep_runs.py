# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a sweep keeps is what it reads back, and a wrong recipe is named."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("lightning", reason="needs the training extra")

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import TrainConfig
from nightseg_ros.learning.darkening_config import DarkeningConfig
from nightseg_ros.learning.sweep_runs import (
    drop_checkpoints,
    keep_counts,
    read_counts,
    single_recipe,
    write_rows,
)


def test_counts_come_back_as_they_were_kept(tmp_path):
    path = tmp_path / "counts.npz"
    assert read_counts(path) is None
    keep_counts(path, {"patch/night": np.arange(6).reshape(2, 3), "day": np.ones(1, np.int64)})
    found = read_counts(path)
    assert found is not None
    assert found["patch/night"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert sorted(found) == ["day", "patch/night"]
    assert [one.name for one in tmp_path.iterdir()] == ["counts.npz"]


def test_rows_replace_the_old_file_only_when_all_are_good(tmp_path):
    path = tmp_path / "rows.csv"
    write_rows(path, ("row", "miou"), [{"row": "day", "miou": 30.5}])
    assert path.read_text() == "row,miou\nday,30.5\n"
    with pytest.raises(ValueError, match="other"):
        write_rows(path, ("row", "miou"), [{"row": "night", "other": 1}])
    assert path.read_text() == "row,miou\nday,30.5\n"


def test_only_checkpoints_are_dropped(tmp_path):
    for name in ("last.ckpt", "epoch.ckpt", "model.pt"):
        (tmp_path / name).touch()
    drop_checkpoints(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["model.pt"]


def test_a_recipe_of_another_kind_is_named():
    path = "config/recipes/darkening.yaml"
    assert single_recipe("sweep", path, DarkeningConfig, ["steps=7"]).steps == 7
    with pytest.raises(NightsegError, match="is a recipe darkening, need segmentation"):
        single_recipe("sweep", path, TrainConfig)
