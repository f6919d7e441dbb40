# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The comparison of an engine with its reference, on masks that are known."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.engines.fake import FakeEngine
from nightseg_ros.engines.parity import Parity, check_parity, measure_parity
from nightseg_ros.errors import NightsegError

SIZE = (20, 30)
FRAMES = [np.full((*SIZE, 3), value, np.uint8) for value in (0, 50, 100)]


class Given:
    """An engine that gives one mask, or picture, for every frame."""

    info = FakeEngine().info
    input_size = SIZE

    def __init__(self, *outputs):
        self.outputs = outputs

    def run(self, image):
        return self.outputs

    def close(self):
        pass


def mask_of(*ids, confidence=200):
    """Return an engine whose mask is made of equal stripes of these ids."""
    mask = np.repeat(np.array(ids, np.uint8), SIZE[1] // len(ids))[None].repeat(SIZE[0], 0)
    return Given(mask, np.full(SIZE, confidence, np.uint8))


def test_an_engine_is_equal_to_itself():
    parity = measure_parity(FakeEngine(SIZE), FakeEngine(SIZE), iter(FRAMES))
    assert parity == Parity(3, 1.0, 100.0, None, 0)
    check_parity(parity, "fp32", "fake")
    assert parity.to_dict() == {"frames": 3, "equal_share": 1.0, "nan_count": 0, "miou": 100.0}


def test_the_figures_are_those_counted_by_hand():
    parity = measure_parity(mask_of(0, 0, 1), mask_of(0, 2, 1), FRAMES[:1])
    assert parity.equal_share == pytest.approx(2 / 3)
    assert parity.miou == pytest.approx(75)  # half of class 0, all of class 1
    assert "66.67% of the pixels equal" in str(parity)


def test_a_class_of_a_few_pixels_does_not_count():
    wanted, given = mask_of(0, 1), mask_of(0, 1)
    frames = [np.zeros((*SIZE, 3), np.uint8)] * 4
    wanted.outputs = (np.kron(wanted.outputs[0], np.ones((4, 4), np.uint8)),) * 2
    given.outputs = (wanted.outputs[0].copy(),) * 2
    wanted.outputs[0][0, 0] = 7
    assert measure_parity(wanted, given, frames).miou > 99


def test_labels_judge_both():
    # In joint11, vehicle is 9 and road is 0; in Cityscapes car is 13 and road 0.
    truth = np.zeros(SIZE, np.uint8)
    truth[:, 15:] = 9
    truth[:, :5] = 255
    good, bad = mask_of(0, 13), mask_of(0, 0)
    parity = measure_parity(good, bad, FRAMES[:2], [truth, truth])
    # Before 100 %; after: road 10 of 25 columns, vehicle none.
    assert parity.miou_truth_difference == pytest.approx(20 - 100)
    assert measure_parity(bad, good, FRAMES[:1], [truth]).miou_truth_difference == pytest.approx(80)
    with pytest.raises(NightsegError, match=r"-80\.00 points of mIoU .* at most 1\.0 may be lost"):
        check_parity(parity, "int8", "bad")


def test_what_nan_scores_leave_behind_is_counted():
    parity = measure_parity(mask_of(0, 1), mask_of(0, 1, confidence=0), FRAMES[:1])
    assert parity.nan_count == SIZE[0] * SIZE[1]
    with pytest.raises(NightsegError, match="600 NaN, need none"):
        check_parity(parity, "fp16", "broken")
    unsure = measure_parity(mask_of(0, 1, confidence=5), mask_of(0, 1, confidence=0), FRAMES[:1])
    assert unsure.nan_count == 0  # the reference is no soft-max either


def test_translated_pictures_may_differ_by_what_nobody_sees():
    grey = np.full((*SIZE, 3), 100, np.uint8)
    near, far = grey + np.uint8(3), grey - np.uint8(4)
    assert measure_parity(Given(grey), Given(near), FRAMES) == Parity(3, 1.0, None, None, 0)
    parity = measure_parity(Given(grey), Given(far), FRAMES)
    assert parity.equal_share == 0
    with pytest.raises(NightsegError, match=r"0\.00% of the pixels equal, need 93\.0%"):
        check_parity(parity, "int8", "n2d")


def test_each_precision_has_its_limits():
    parity = Parity(10, 0.97, 90.0, -0.6, 0)
    check_parity(parity, "int8", "x")
    for precision in ("fp16", "fp32"):
        with pytest.raises(NightsegError) as caught:
            check_parity(parity, precision, "x")
        for part in ("97.00%", "mIoU 90.0 %", "-0.60 points", "on 10 frames"):
            assert part in str(caught.value)


def test_no_frames_or_another_model_is_an_error():
    with pytest.raises(NightsegError, match="no frames"):
        measure_parity(FakeEngine(SIZE), FakeEngine(SIZE), [])
    with pytest.raises(NightsegError, match="not the same model"):
        measure_parity(mask_of(0, 1), Given(np.zeros((*SIZE, 3), np.uint8)), FRAMES)
