# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Masks find the image with their stamp, in whatever order the two come, within bounds."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightseg_ros.ros.frame_pairs import FramePairs


def message(sec, nanosec=0, size=1):
    stamp = SimpleNamespace(sec=sec, nanosec=nanosec)
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), data=bytes(size))


@pytest.fixture
def found():
    return []


@pytest.fixture
def pairs(found):
    return FramePairs(lambda image, mask: found.append((image, mask)), most=5, most_bytes=100)


def test_a_mask_gets_its_image_and_older_images_go(pairs, found):
    images = [message(second) for second in range(4)]
    for image in images:
        pairs.image(image)
    mask = message(2)
    pairs.mask(mask)
    assert found == [(images[2], mask)]
    assert len(pairs) == 1


def test_a_nanosecond_is_a_difference(pairs, found):
    pairs.image(message(1, 500))
    pairs.mask(message(1, 501))
    assert found == []


def test_a_mask_may_come_first_and_only_the_newest_waits(pairs, found):
    pairs.mask(message(1))
    newest = message(2)
    pairs.mask(newest)
    pairs.image(message(1))
    assert found == []
    image = message(2)
    pairs.image(image)
    assert found == [(image, newest)]
    pairs.image(message(2))
    assert len(found) == 1


def test_a_bag_that_starts_again_is_followed(pairs, found):
    for second in (7, 8, 9, 1, 2):
        pairs.image(message(second))
    pairs.mask(message(1))
    assert [image.header.stamp.sec for image, _ in found] == [1]
    assert len(pairs) == 1


def test_clear_forgets_all(pairs, found):
    pairs.image(message(1))
    pairs.mask(message(3))
    pairs.clear()
    pairs.mask(message(1))
    pairs.image(message(3))
    assert found == []


@given(sizes=st.lists(st.integers(0, 120), max_size=30))
def test_number_and_bytes_stay_bounded(sizes):
    pairs = FramePairs(lambda image, mask: None, most=5, most_bytes=100)
    kept = []
    for second, size in enumerate(sizes):
        pairs.image(message(second % 7, size=size))
        kept = [(s, n) for s, n in kept if s != second % 7] + [(second % 7, size)]
        while len(kept) > 5 or sum(n for _, n in kept) > 100:
            kept.pop(0)
        assert len(pairs) == len(kept)
