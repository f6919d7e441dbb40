# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Each fault of a camera is found by its name and place, and a clean drive has none."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.perception.camera_health import GRID, CameraHealth, Health
from nightseg_ros.trials.bench_health import STRENGTHS, damage, played

CLEAN, BAD = 25, 10


@pytest.fixture(scope="module")
def drive():
    """Return a drive into a street of boxes: edges of all sizes, dark and bright, with noise."""
    rng = np.random.default_rng(3)
    still = np.full((360, 640, 3), 110, np.uint8)
    for _ in range(900):
        y, x = rng.integers(0, 350), rng.integers(0, 630)
        tall, wide = rng.integers(4, 40, 2)
        still[y : y + tall, x : x + wide] = rng.integers(20, 200) + rng.integers(-8, 8, 3)
    still = np.clip(still + rng.normal(0, 1, still.shape), 0, 255).astype(np.uint8)
    return played(still, CLEAN + BAD)


def watched(frames, order="bgr", watch=None, start_s=0.0):
    watch = watch or CameraHealth()
    for index, frame in enumerate(frames):
        health = watch.update(frame, order, start_s + index / 10)
    return watch, health


def after(drive, name, strength, seed=0):
    watch, clean = watched(drive[:CLEAN])
    assert clean.faults == ()
    bad = damage(name, strength, drive[CLEAN:], np.random.default_rng(seed))
    return watched(bad, watch=watch, start_s=CLEAN / 10)[1]


@pytest.mark.parametrize("name", STRENGTHS)
def test_each_fault_is_found_within_a_second(drive, name):
    wanted = "obstructed" if name == "dirty" else name
    strength = 3.7 if name == "underexposed" else STRENGTHS[name][1][-1]  # darker is covered
    assert wanted in after(drive, name, strength).faults


@pytest.mark.parametrize("light", [1.0, 0.4, 0.2])
def test_neither_day_nor_night_is_a_fault(drive, light):
    dark = [(frame * light).astype(np.uint8) for frame in drive]
    health = watched(dark)[1]
    assert (health.faults, health.visibility) == ((), 1.0)
    assert not health.invalid_mask(7, 9).any()


def test_region_is_where_the_dirt_is(drive):
    watch, _ = watched(drive[:CLEAN])
    for index, frame in enumerate(drive[CLEAN:], CLEAN):
        bad = frame.copy()
        bad[120:240, 300:500] = (30, 60, 60)
        health = watch.update(bad, "bgr", index / 10)
    assert health.faults == ("obstructed",)
    height, width = drive[0].shape[:2]
    mask = health.invalid_mask(height, width) > 0
    truth = np.zeros_like(mask)
    truth[120:240, 300:500] = True
    assert (mask & truth).sum() / (mask | truth).sum() > 0.7
    assert "x 56 to " in health.region()
    assert 0.5 < health.visibility < 0.95


def test_fault_is_withdrawn_after_it_ended(drive):
    watch, health = watched([drive[0]] * 10)
    assert health.faults == ("frozen",)
    assert health.visibility == 0.0
    assert health.invalid.all()
    health = watched(drive[:9], watch=watch, start_s=1.0)[1]
    assert health.faults == ("frozen",)
    health = watched(drive[9:20], watch=watch, start_s=1.9)[1]
    assert health.faults == ()


def test_same_frame_under_one_stamp_is_not_frozen(drive):
    watch = CameraHealth()
    for _ in range(20):
        health = watch.update(drive[0], "bgr", 5.0)
    assert health.faults == ()


@pytest.mark.parametrize("stamp_s", [0.0, 100.0])
def test_jump_of_stamps_forgets(drive, stamp_s):
    watch, health = watched([drive[0]] * 10, start_s=50.0)
    assert health.faults == ("frozen",)
    assert watch.update(drive[1], "bgr", stamp_s).faults == ()


def test_cut_to_another_scene_is_no_obstruction(drive):
    watch, _ = watched(drive[:CLEAN])
    flat = [np.full_like(frame, 120) for frame in drive[:10]]
    for frame, textured in zip(flat, drive, strict=False):
        frame[150:] = 255 - textured[150:]
    health = watched(flat, watch=watch, start_s=CLEAN / 10)[1]
    assert "obstructed" not in health.faults


def test_plain_road_that_comes_nearer_is_no_obstruction(drive):
    watch, _ = watched(drive[:CLEAN])
    bad = [frame.copy() for frame in drive[CLEAN:]]
    for index, frame in enumerate(bad):
        frame[210 : 260 + 10 * index] = 90  # out of a shadow: a plain band, then all below it
    health = watched(bad, watch=watch, start_s=CLEAN / 10)[1]
    assert health.faults == ()


@pytest.mark.parametrize("order", ["rgb", "rgba", "bgra", "gray"])
def test_every_order_of_channels(drive, order):
    frames = drive[:12]
    if order == "gray":
        frames = [np.ascontiguousarray(frame[..., 1]) for frame in frames]
    elif len(order) == 4:
        frames = [np.dstack([frame, frame[..., :1]]) for frame in frames]
    assert watched(frames, order)[1].faults == ()


@pytest.mark.parametrize("shape", [(1, 1, 3), (24, 32, 3), (33, 32, 3), (37, 3000, 3)])
def test_small_and_odd_frames(shape):
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 255, shape, np.uint8) for _ in range(5)]
    assert isinstance(watched(frames)[1], Health)
    assert watched(frames)[1].invalid.shape == GRID
