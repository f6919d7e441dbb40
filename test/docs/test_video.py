# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The moving picture of the README: small enough to load, and what its script would write."""

from __future__ import annotations

import pytest

pytest.importorskip("PIL", reason="needs pillow")

import drive_video
from PIL import Image


def test_it_is_small_and_moves():
    assert drive_video.FILE.stat().st_size <= drive_video.MOST_BYTES
    with Image.open(drive_video.FILE) as picture:
        assert picture.format == "GIF"
        assert picture.n_frames == drive_video.FRAMES
        assert picture.size == (2 * drive_video.SIZE[0], drive_video.SIZE[1])
        assert picture.info["loop"] == 0


def test_the_readme_shows_it(repository):
    assert "doc/pictures/drive.gif" in (repository / "README.md").read_text(encoding="utf-8")
