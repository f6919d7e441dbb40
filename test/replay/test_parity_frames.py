# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frames for proofs: of the network's size, and with masks that fit them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from nightseg_ros.replay.parity_frames import labelled_frames, rendered_frames

SIZE = (64, 96)


def test_a_drive_from_day_into_night_is_drawn() -> None:
    frames = rendered_frames(SIZE, 3)
    assert [frame.shape for frame in frames] == [(*SIZE, 3)] * 3
    assert frames[0].mean() > frames[-1].mean() + 10
    assert all(np.array_equal(*pair) for pair in zip(frames, rendered_frames(SIZE, 3), strict=True))


def test_masks_lie_where_their_images_lie(tmp_path: Path) -> None:
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    image, label = np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), np.uint8)
    image[:20], label[:20] = 255, 10
    cv2.imwrite(str(tmp_path / "images" / "a.png"), image)
    cv2.imwrite(str(tmp_path / "labels" / "a.png"), label)
    (frame,), (truth,) = labelled_frames(f"folder:{tmp_path}", SIZE, 3, "cityscapes19")
    assert truth.shape == SIZE
    assert set(np.unique(truth)) == {0, 10, 255}
    bright = frame[..., 0] > 128
    assert (bright[truth == 10]).mean() > 0.95
    assert not bright[truth == 0][100:].any()
    assert (truth[:, :16] == 255).all()
