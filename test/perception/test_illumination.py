# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Day and night are told apart, by what the whole sky says and not by a lamp."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightseg_ros.perception.illumination import estimate_illumination
from nightseg_ros.perception.routing import RoutingPolicy


@given(height=st.integers(1, 400), width=st.integers(1, 400), level=st.integers(0, 255))
def test_a_flat_image_of_any_size_gives_its_level(height: int, width: int, level: int) -> None:
    image = np.full((height, width, 3), level, np.uint8)
    assert estimate_illumination(image) == pytest.approx(min(level, 128) / 128, abs=1e-5)


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


def test_the_road_before_the_headlights_does_not_count() -> None:
    image = np.zeros((720, 1280, 3), np.uint8)
    image[400:] = 255
    assert estimate_illumination(image) == 0.0


def test_a_lamp_counts_no_more_than_a_lit_wall() -> None:
    dark = np.full((720, 1280, 3), 20, np.uint8)
    lamp, wall = dark.copy(), dark.copy()
    lamp[100:200, 500:700] = 255
    wall[100:200, 500:700] = 128
    assert estimate_illumination(lamp) == estimate_illumination(wall)
    assert estimate_illumination(lamp) < RoutingPolicy().dark_below


def test_the_sampling_grid_sees_what_all_pixels_say() -> None:
    image = cv2.resize(np.random.default_rng(2).integers(0, 256, (9, 16, 3), np.uint8), (1280, 720))
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[:360]
    exact = np.minimum(luma, 128).mean() / 128
    assert estimate_illumination(np.asarray(image, np.uint8)) == pytest.approx(exact, abs=0.01)


def test_day_and_night_drives_are_told_apart(data_dir: Path) -> None:
    with (data_dir / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["time_of_day"] in ("day", "night")]
    policy, wrong = RoutingPolicy(), {"day": 0, "night": 0}
    for kind in wrong:
        for row in random.Random(0).sample([r for r in rows if r["time_of_day"] == kind], 150):
            image = cv2.imread(str(data_dir / row["path"]))
            light = estimate_illumination(np.asarray(image, np.uint8), "bgr")
            wrong[kind] += (
                light < policy.dark_below if kind == "day" else (light > policy.bright_above)
            )
    assert wrong["day"] <= 2
    assert wrong["night"] <= 2
