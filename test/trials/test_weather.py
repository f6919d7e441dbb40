# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fog, rain and snow: each does what its name says, more of it with more strength."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from nightseg_ros.trials.weather import HORIZON, STRENGTHS, WEATHER, weathered

SIZE = (180, 320)


def street(light: float = 1.0) -> np.ndarray:
    """Return a frame of blocks of every brightness, under a bright upper part."""
    rng = np.random.default_rng(3)
    blocks = rng.integers(0, 200, (9, 16, 3)).astype(np.uint8)
    blocks[:2] = (150, 180, 230)
    image = cv2.resize(blocks, SIZE[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(image * light, np.uint8)


def contrast(image: np.ndarray) -> float:
    return float(image.mean(axis=2).std())


@pytest.mark.parametrize("name", WEATHER)
def test_the_same_seed_is_the_same_weather(name):
    image = street()
    first = weathered(name, 0.5, image, 7)
    assert np.array_equal(first, weathered(name, 0.5, image, 7))
    assert not np.array_equal(first, weathered(name, 0.5, image, 8))
    assert (first.shape, first.dtype) == (image.shape, np.uint8)


@pytest.mark.parametrize("light", [1.0, 0.2])
@pytest.mark.parametrize("name", WEATHER)
def test_more_strength_changes_more(name, light):
    image = street(light)
    changes = [
        float(np.abs(weathered(name, strength, image).astype(float) - image).mean())
        for strength in (0.0, *STRENGTHS)
    ]
    assert changes[0] < 0.5
    assert changes == sorted(set(changes))


def test_fog_takes_contrast_from_what_is_far_first():
    image = street()
    foggy = weathered("fog", 0.5, image)
    horizon, bottom = int(HORIZON * SIZE[0]), SIZE[0] * 3 // 4
    far = slice(horizon - 20, horizon)
    near = slice(bottom, SIZE[0])
    kept = [contrast(foggy[part]) / contrast(image[part]) for part in (far, near)]
    assert kept[0] < 0.5 < kept[1] < 1.0


def test_fog_at_night_is_dark_and_by_day_bright():
    by_day, by_night = (weathered("fog", 1.0, street(light)) for light in (1.0, 0.1))
    horizon = int(HORIZON * SIZE[0])
    assert by_day[:horizon].mean() > 150
    assert by_night[:horizon].mean() < 40


def test_a_lamp_has_a_halo_in_fog():
    image = np.zeros((*SIZE, 3), np.uint8)
    cv2.circle(image, (160, 60), 6, (255, 240, 200), -1)
    foggy = weathered("fog", 0.5, image).mean(axis=2)
    assert foggy[60, 172] > foggy[60, 220]  # beside the lamp, and far from it


def test_rain_dims_and_snow_brightens():
    image = street()
    assert weathered("rain", 1.0, image)[:40].mean() < 0.85 * image[:40].mean()
    assert weathered("snow", 1.0, image).mean() > 1.1 * image.mean()


def test_flakes_and_drops_are_brighter_than_what_is_behind_them():
    dark = np.full((*SIZE, 3), 40, np.uint8)
    for name in ("rain", "snow"):
        added = weathered(name, 0.5, dark).mean(axis=2)
        assert added.max() > np.median(added) + 10
