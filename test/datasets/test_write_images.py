# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A folder of made images: each is complete or absent, and a stopped run resumes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from nightseg_ros.datasets import open_set
from nightseg_ros.datasets.image_files import read_image
from nightseg_ros.datasets.write_images import write_images


@pytest.fixture
def images(tmp_path: Path):
    (tmp_path / "in").mkdir()
    for number in range(3):
        pixels = np.full((4, 6, 3), (10, 20, 30 + number), np.uint8)
        assert cv2.imwrite(str(tmp_path / f"in/{number}.png"), pixels)
    return open_set(f"unlabelled:{tmp_path / 'in'}")


def test_images_keep_their_colours_and_what_is_there_is_kept(images, tmp_path: Path):
    out, made = tmp_path / "out", []

    def make(number: int, image: np.ndarray) -> np.ndarray:
        made.append(number)
        return image

    out.mkdir()
    (out / "1.png").write_bytes(b"kept")
    (out / ".2.png.01234567.unfinished").write_bytes(b"of a killed run")
    assert list(write_images(images, out, make)) == ["0", "1", "2"]
    assert made == [0, 2]
    assert sorted(path.name for path in out.iterdir()) == ["0.png", "1.png", "2.png"]
    assert np.array_equal(read_image(out / "2.png"), read_image(tmp_path / "in/2.png"))


def test_a_failure_leaves_no_part_of_an_image(images, tmp_path: Path):
    def make(number: int, image: np.ndarray) -> np.ndarray:
        if number == 1:
            raise OSError(28, "No space left on device")
        return image

    with pytest.raises(OSError, match="No space left"):
        list(write_images(images, tmp_path / "out", make))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0.png"]
