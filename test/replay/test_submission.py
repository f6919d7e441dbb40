# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Submissions have the folders, names, sizes and depths that the test servers demand."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import CITYSCAPES19, label_set
from nightseg_ros.labels.lookup import lookup
from nightseg_ros.replay.submission import FOLDERS, SIZE, Submission

VISTAS = label_set("vistas_v1.2")

FRAME = Path("rgb_anon/test/night/GOPR0364/GOPR0364_frame_000001_rgb_anon.png")


def read(folder: Path, kind: str, name: str = FRAME.name) -> np.ndarray:
    return cv2.imread(str(folder / kind / name), cv2.IMREAD_UNCHANGED)


def maps() -> tuple[np.ndarray, np.ndarray]:
    mask = np.zeros(SIZE, np.uint8)
    mask[:, 960:] = 18
    confidence = np.full(SIZE, 255, np.uint8)
    confidence[:100] = 51
    confidence[0, 0] = 0
    return mask, confidence


def test_three_folders_and_the_archive(tmp_path: Path):
    submission = Submission(tmp_path, CITYSCAPES19, invalid_below=0.5)
    mask, confidence = maps()
    submission.write(FRAME, mask, confidence)
    archive = submission.close()
    ids, unsure, sure = (read(tmp_path, kind) for kind in FOLDERS)
    assert (ids.dtype, ids.shape) == (np.uint8, (1080, 1920))
    assert np.array_equal(ids, mask)
    assert (sure.dtype, sure.shape) == (np.uint16, (1080, 1920))
    assert [int(sure[i, 0]) for i in (0, 50, 500)] == [0, 13107, 65535]
    assert (unsure[:100] == 255).all()
    assert np.array_equal(unsure[100:], mask[100:])
    names = zipfile.ZipFile(archive).namelist()
    assert names == [f"{folder}/{FRAME.name}" for folder in FOLDERS]
    assert FOLDERS == ("labelTrainIds", "labelTrainIds_invalid", "confidence")


def test_without_a_threshold_nothing_is_invalid(tmp_path: Path):
    submission = Submission(tmp_path, CITYSCAPES19)
    mask, confidence = maps()
    submission.write(FRAME.with_suffix(".jpg"), mask, confidence)
    assert np.array_equal(read(tmp_path, "labelTrainIds_invalid"), mask)


def test_ids_of_other_sets_become_train_ids(tmp_path: Path):
    submission = Submission(tmp_path, VISTAS)
    mask, confidence = maps()
    submission.write(FRAME, mask, confidence)
    expected = lookup(VISTAS.name, "cityscapes19")[mask]
    assert np.array_equal(read(tmp_path, "labelTrainIds"), expected)


def test_what_a_server_would_refuse_is_refused(tmp_path: Path):
    with pytest.raises(NightsegError, match="no map from label set 'joint11'"):
        Submission(tmp_path / "a", label_set("joint11"))
    with pytest.raises(NightsegError, match="from 0 to 1"):
        Submission(tmp_path / "a", CITYSCAPES19, 1.5)
    submission = Submission(tmp_path / "b", CITYSCAPES19)
    small = np.zeros((360, 640), np.uint8)
    with pytest.raises(NightsegError, match="is 640x360; the servers accept frames of 1920x1080"):
        submission.write(FRAME, small, small)
    mask, confidence = maps()
    submission.write(FRAME, mask, confidence)
    with pytest.raises(NightsegError, match="two frames are named GOPR0364_frame_000001"):
        submission.write(Path("elsewhere") / FRAME.name, mask, confidence)
    with pytest.raises(NightsegError, match="contains another submission"):
        Submission(tmp_path / "b", CITYSCAPES19)
