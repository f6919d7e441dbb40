# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The fake engine is predictable, late and failing on demand."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.engines import fake
from nightseg_ros.engines.fake import FakeEngine
from nightseg_ros.errors import NightsegError

IMAGE = np.random.default_rng(5).integers(0, 256, (24, 40, 3), np.uint8)


def test_the_maps_follow_from_the_pixels() -> None:
    mask, confidence = FakeEngine((24, 40), 19).run(IMAGE)
    assert np.array_equal(mask, IMAGE[..., 1] // 8 % 19)
    assert np.array_equal(confidence, IMAGE[..., 0])


def test_it_fails_as_often_as_it_is_reported() -> None:
    engine = FakeEngine((24, 40), fail_next=2)
    engine.failure = RuntimeError("device lost")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="device lost"):
            engine.run(IMAGE)
    assert engine.run(IMAGE)[0].shape == (24, 40)
    assert engine.runs == 3


def test_a_wrong_image_is_refused() -> None:
    with pytest.raises(NightsegError, match=r"got uint8 \[24, 39, 3\], need uint8 \[24, 40, 3\]"):
        FakeEngine((24, 40)).run(IMAGE[:, 1:])


def test_it_sleeps_for_the_rest_of_its_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(fake.time, "sleep", slept.append)
    FakeEngine((24, 40), delay_s=60.0).run(IMAGE)
    FakeEngine((24, 40)).run(IMAGE)
    assert len(slept) == 1
    assert 0.0 < slept[0] <= 60.0
