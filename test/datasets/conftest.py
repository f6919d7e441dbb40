# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Made-up data sets: small random frames and labels at the paths of the public ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

HEIGHT, WIDTH = 12, 16


@pytest.fixture
def frame() -> Callable[..., Path]:
    """Return a function that writes an image of one brightness, and gives its path."""

    def write(path: Path, luma: int = 120, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(luma).integers(-3, 4, (*size, 3))
        assert cv2.imwrite(str(path), np.clip(luma + noise, 0, 255).astype(np.uint8))
        return path

    return write


@pytest.fixture
def label() -> Callable[..., Path]:
    """Return a function that writes a label whose columns hold the ids in turn."""

    def write(path: Path, *ids: int, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        row = np.resize(np.array(ids, np.uint8), size[1])
        assert cv2.imwrite(str(path), np.tile(row, (size[0], 1)))
        return path

    return write
