# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Day and night are distinguished by the whole sky and the whole scene and not by a lamp."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightseg_ros.perception.illumination import clahe, estimate_illumination, gamma
from nightseg_ros.perception.routing import RoutingPolicy


@given(height=st.integers(1, 400), width=st.integers(1, 400), level=st.integers(0, 255))
def test_a_flat_image_of_any_size_gives_its_level(height: int, width: int, level: int) -> None:
    image = np.full((height, width, 3), level, np.uint8)
    expected = 0.7 * min(level, 160) / 160 + 0.3 * min(level, 64) / 64
    assert estimate_illumination(image) == pytest.approx(expected, abs=1e-5)


@given(seed=st.integers(0, 999), channels=st.sampled_from(["rgb", "bgra", "gray"]))
def test_more_light_never_lowers_it(seed: int, channels: str) -> None:
    rng = np.random.default_rng(seed)
    shape = (60, 90) if channels == "gray" else (60, 90, len(channels))
    image = rng.integers(0, 256, shape, np.uint8)
    lit = np.where(rng.random(shape) < 0.3, np.maximum(image, rng.integers(0, 256, shape)), image)
    before = estimate_illumination(image, channels)
    assert 0.0 <= before <= estimate_illumination(lit.astype(np.uint8), channels) + 1e-6 <= 1 + 1e-6


def test_all_channel_orders_agree() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (180, 320, 3), np.uint8)
    expected = estimate_illumination(rgb, "rgb")
    assert 0.5 < expected < 1.0
    for order, code in (
        ("bgr", cv2.COLOR_RGB2BGR),
        ("rgba", cv2.COLOR_RGB2RGBA),
        ("bgra", cv2.COLOR_RGB2BGRA),
    ):
        converted = np.asarray(cv2.cvtColor(rgb, code), np.uint8)
        assert estimate_illumination(converted, order) == pytest.approx(expected, abs=1e-6)
    gray = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    assert estimate_illumination(gray, "gray") == pytest.approx(expected, abs=0.005)


def test_the_road_before_the_headlights_makes_no_day() -> None:
    image = np.zeros((720, 1280, 3), np.uint8)
    image[400:] = 255
    assert estimate_illumination(image) < RoutingPolicy().dark_below / 2


def test_a_lamp_counts_no_more_than_a_lit_wall() -> None:
    dark = np.full((720, 1280, 3), 20, np.uint8)
    lamp, wall = dark.copy(), dark.copy()
    lamp[100:200, 500:700] = 255
    wall[100:200, 500:700] = 160
    assert estimate_illumination(lamp) == estimate_illumination(wall)
    assert estimate_illumination(lamp) < RoutingPolicy().dark_below


def test_a_day_without_sky_is_no_night() -> None:
    """Under trees and in narrow streets the upper part is dark, but the road is not."""
    image = np.full((720, 1280, 3), 85, np.uint8)
    image[:240] = 40
    image[:180, 600:800] = 255
    assert estimate_illumination(image) > RoutingPolicy().bright_above
    by_lamps = np.full((720, 1280, 3), 20, np.uint8)
    by_lamps[:240] = 40
    by_lamps[:180, 600:800] = 255
    by_lamps[400:, 400:800] = 85  # the headlights
    assert estimate_illumination(by_lamps) < RoutingPolicy().dark_below


def test_the_sampling_grid_sees_what_all_pixels_report() -> None:
    image = cv2.resize(np.random.default_rng(2).integers(0, 256, (9, 16, 3), np.uint8), (1280, 720))
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    sky, ground = np.minimum(luma[:180], 160).mean() / 160, np.minimum(luma[180:], 64).mean() / 64
    exact = 0.7 * sky + 0.3 * ground
    assert estimate_illumination(np.asarray(image, np.uint8)) == pytest.approx(exact, abs=0.01)


def test_day_and_night_drives_are_distinguished(data_dir: Path) -> None:
    with (data_dir / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["time_of_day"] in ("day", "night")]
    policy, wrong = RoutingPolicy(), {"day": 0, "night": 0}
    for kind in wrong:
        for row in random.Random(0).sample([r for r in rows if r["time_of_day"] == kind], 150):
            light = illumination_of(data_dir / row["path"])
            wrong[kind] += (
                light < policy.dark_below if kind == "day" else (light > policy.bright_above)
            )
    assert wrong["day"] <= 2
    assert wrong["night"] <= 2


def test_a_dim_day_is_no_night(data_dir: Path) -> None:
    """An even sample of the Cityscapes frames: European streets under trees, dim but day."""
    files = sorted((data_dir / "more/cityscapes_256/val/images").glob("*.jpg"))
    if not files:
        pytest.skip(f"there is no cityscapes_256/val in {data_dir / 'more'}")
    sample = [files[index * len(files) // 150] for index in range(150)]
    dark = RoutingPolicy().dark_below
    assert sum(illumination_of(file) < dark for file in sample) <= 2


@pytest.mark.parametrize("night", ["pool_night", "night_drivable_val/images"])
def test_lamps_make_no_day(data_dir: Path, night: str) -> None:
    files = sorted((data_dir / night).glob("*.jpg"))
    sample = [files[index * len(files) // 150] for index in range(150)]
    levels = np.array([illumination_of(file) for file in sample])
    assert (levels > RoutingPolicy().bright_above).sum() <= 1
    assert (levels < RoutingPolicy().dark_below).sum() >= 145


def test_the_day_pool_is_day(data_dir: Path) -> None:
    files = sorted((data_dir / "pool_day").glob("*.jpg"))
    levels = [illumination_of(files[index * len(files) // 150]) for index in range(150)]
    assert min(levels) > RoutingPolicy().bright_above


def illumination_of(path: Path) -> float:
    return estimate_illumination(np.asarray(cv2.imread(str(path)), np.uint8), "bgr")


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
