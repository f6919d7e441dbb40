# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What fusions of two channels say of a frame, and what the counts of a row are of."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from torch import nn  # noqa: E402

from nightseg_ros.learning.methods.nisenet_fusion.module import Fusion  # noqa: E402
from nightseg_ros.learning.networks.patch_fusion import PatchFusion  # noqa: E402
from nightseg_ros.learning.study.description import FUSIONS, EvaluationSet  # noqa: E402
from nightseg_ros.learning.study.measure import FUSE, _frames, predict  # noqa: E402


class Fixed(nn.Module):
    """A channel that says one thing of the left and another of the right half."""

    stride = 8

    def __init__(self, left: int, right: int) -> None:
        super().__init__()
        self.sides = (left, right)

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        scores = torch.zeros(len(x), 19, x.shape[2] // 4, x.shape[3] // 4)
        half = scores.shape[3] // 2
        scores[:, self.sides[0], :, :half] = 4
        scores[:, self.sides[1], :, half:] = 4
        return scores


def test_every_fusion_that_a_study_may_name_is_there():
    assert tuple(FUSE) == FUSIONS


def test_the_oracle_takes_the_better_patch_and_alone_asks_for_the_truth():
    channels = [Fixed(0, 2), Fixed(10, 0)]
    fusion = Fusion(PatchFusion(0.1).eval(), (1.0, 1.0))
    truth = torch.zeros(40, 80, dtype=torch.uint8)
    frame = torch.zeros(40, 80, 3, dtype=torch.uint8)

    def ids(fuse: str, truth: torch.Tensor) -> torch.Tensor:
        return predict(channels, fuse, fusion, frame, truth, (40, 80))

    assert (ids("oracle", truth) == 0).all()
    alone = predict(channels[:1], "average", None, frame, truth, (40, 80))
    assert (alone[:, 50:] == 2).all()
    for fuse in set(FUSE) - {"oracle"}:
        assert ids(fuse, truth).shape == truth.shape
        assert torch.equal(ids(fuse, truth), ids(fuse, torch.full_like(truth, 255)))


def test_squeezed_frames_are_stretched_and_a_count_is_spread_over_all(tmp_path):
    for number in range(5):
        frame = np.full((32, 32, 3), 40 * number, np.uint8)
        for name, pixels in (("images", frame), ("labels", frame[..., 0] // 40)):
            (tmp_path / name).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / name / f"{number}.png"), pixels)
    one = EvaluationSet(data=f"folder:{tmp_path}", stretch=True, count=3)
    frames, ids = _frames(one, (32, 64), "")
    assert frames.shape == (3, 32, 64, 3)
    assert [set(each.flatten().tolist()) for each in ids] == [{0}, {2}, {4}]
    fitted = _frames(EvaluationSet(data=f"folder:{tmp_path}"), (32, 64), "")[1]
    assert len(fitted) == 5
    assert (fitted[..., :16] == 255).all()
