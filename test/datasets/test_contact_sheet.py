# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The contact sheet shows frames, labels in their colours, and bad files in red."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from nightseg_ros.datasets import open_set
from nightseg_ros.datasets.contact_sheet import (
    BAD,
    CAPTION,
    TILE,
    contact_sheet,
    save_sheet,
)
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import label_set


def test_frames_stand_beside_their_coloured_labels(tmp_path, frame, label):
    frame(tmp_path / "images/a.png", 100)
    label(tmp_path / "labels/a.png", 7)
    (tmp_path / "class_names.txt").write_text(
        "\n".join(f"{i} {name}" for i, name in enumerate(label_set("cityscapes_ids").names))
    )
    sheet = contact_sheet([open_set(str(tmp_path))])
    width, height = TILE
    road = label_set("cityscapes19").labels[0].color
    assert (sheet[CAPTION + height // 2, width + width // 2] == road).all()
    assert sheet[CAPTION + height // 2, width // 2] == pytest.approx([100] * 3, abs=4)


def test_sets_that_are_not_classes_have_their_own_colours(tmp_path, frame, label):
    frame(tmp_path / "images/100k/val/a.jpg")
    label(tmp_path / "labels/drivable/masks/val/a.png", 1)
    sheet = contact_sheet([open_set(str(tmp_path))])
    color = label_set("bdd_drivable").labels[1].color
    assert (sheet[CAPTION + TILE[1] // 2, TILE[0] + TILE[0] // 2] == color).all()


def test_a_bad_file_is_red_and_does_not_stop_the_sheet(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"x")
    sheet = contact_sheet([open_set(str(tmp_path))])
    assert (sheet[CAPTION + TILE[1] // 2, TILE[0] // 2] == BAD).all()


def test_frames_are_spread_over_the_set(tmp_path, frame):
    for number in range(30):
        frame(tmp_path / f"{number:02d}.png", 5 * number)
    sheet = contact_sheet([open_set(str(tmp_path))], count=3)
    row = sheet[CAPTION + TILE[1] // 2, :, 0].astype(int)
    first, middle, last = (row[TILE[0] * i + TILE[0] // 2] for i in range(3))
    assert (first, last) == pytest.approx((0, 145), abs=5)
    assert 60 < middle < 90


def test_a_sheet_is_written_as_its_name_reports(tmp_path):
    sheet = np.full((20, 30, 3), (200, 10, 10), np.uint8)
    save_sheet(tmp_path / "sheet.png", sheet)
    assert cv2.imread(str(tmp_path / "sheet.png"))[0, 0].tolist() == [10, 10, 200]
    with pytest.raises(NightsegError, match=r"end it in \.jpg or \.png"):
        save_sheet(tmp_path / "sheet.doc", sheet)
