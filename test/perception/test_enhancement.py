# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Classical brightening."""

from __future__ import annotations

import numpy as np

from nightseg_ros.perception.enhancement import clahe, gamma


def night(seed: int = 0) -> np.ndarray:
    image = np.random.default_rng(seed).integers(0, 40, (48, 80, 3)).astype(np.uint8)
    image[20:30, 30:50] += 30
    return image


def test_both_brighten_and_leave_the_frame_they_were_given():
    frame = night()
    before = frame.copy()
    for change in (gamma, clahe):
        bright = change(frame)
        assert bright.dtype == np.uint8
        assert bright.shape == frame.shape
        assert bright.mean() > 1.3 * frame.mean()
    assert np.array_equal(frame, before)


def test_gamma_keeps_black_white_and_order():
    ramp = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, 2)
    bright = gamma(ramp)
    assert bright[0, 0, 0] == 0
    assert bright[0, 255, 0] == 255
    assert (np.diff(bright[0, :, 0].astype(int)) >= 0).all()


def test_clahe_takes_grey_for_grey():
    grey = np.full((48, 80, 3), 60, np.uint8)
    grey[::2] = 90
    assert np.ptp(clahe(grey).astype(int), axis=2).max() <= 2
