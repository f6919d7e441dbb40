# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small labelled set and a small drivable set whose frames are as red as their labels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from nightseg_ros.datasets import DrivingSet, open_set


def write(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), array)


@pytest.fixture
def labelled(tmp_path) -> DrivingSet:
    """Four frames whose red channel is their label in train ids; the last row is unlabelled."""
    rng = np.random.default_rng(0)
    for number in range(4):
        ids = rng.integers(0, 19, (8, 10)).astype(np.uint8)
        image = np.zeros((8, 10, 3), np.uint8)
        image[..., 2] = ids
        ids[-1] = 255
        write(tmp_path / f"set/images/{number}.png", image)
        write(tmp_path / f"set/labels/{number}.png", ids)
    return open_set(str(tmp_path / "set"))


@pytest.fixture
def drivable(tmp_path) -> DrivingSet:
    """Two frames whose left half can be driven on."""
    for name in ("a", "b"):
        ids = np.full((8, 10), 2, np.uint8)
        ids[:, :3], ids[:, 3:5] = 0, 1
        write(tmp_path / f"roads/images/100k/val/{name}.jpg", np.zeros((8, 10, 3), np.uint8))
        write(tmp_path / f"roads/labels/drivable/masks/val/{name}.png", ids)
    return open_set(str(tmp_path / "roads"))
