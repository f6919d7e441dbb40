# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Flicker is what changes besides motion: exactly, where the motion of a drive is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from nightseg_ros.drive.render import Geometry, Renderer
from nightseg_ros.metrics.flicker import WIDTH, Motion, compared, motion

Image = NDArray[np.uint8]
HEIGHT = 144
FPS = 20.0


def still(height: int = HEIGHT, width: int = WIDTH) -> Motion:
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return Motion(np.dstack([columns, rows]), np.ones((height, width), bool))


def blocks(seed: int = 1) -> Image:
    """Return a mask of blocks of 8x8 pixels, with classes from 0 to 4."""
    small = np.random.default_rng(seed).integers(0, 5, (HEIGHT // 8, WIDTH // 8), np.uint8)
    return np.kron(small, np.ones((8, 8), np.uint8))


def test_equal_masks_do_not_flicker_and_others_do_wholly() -> None:
    assert still().flicker(blocks(), blocks()) == 0.0
    assert still().flicker(blocks(), blocks() + 10) == 1.0


def test_it_is_the_share_of_changed_pixels() -> None:
    mask = blocks()
    mask[40:80, 100:150] = 9
    assert still().flicker(blocks(), mask) == pytest.approx(40 * 50 / mask.size)


def test_a_border_that_shifts_by_one_pixel_is_no_flicker_but_by_more_is() -> None:
    before = np.zeros((HEIGHT, WIDTH), np.uint8)
    before[:, 100:] = 1
    assert still().flicker(before, np.roll(before, 1, axis=1)) < 1.5 / WIDTH  # it wraps around
    moved = np.zeros_like(before)
    moved[:, 95:] = 1
    assert still().flicker(before, moved) == pytest.approx(4 / WIDTH)


def test_what_is_not_followed_does_not_count() -> None:
    known, mask = still(), blocks()
    mask[:72] = 9
    known.followed[:72] = False
    assert known.flicker(blocks(), mask) == 0.0
    known.followed[:] = False
    assert known.flicker(blocks(), mask) is None


@pytest.mark.parametrize(("dx", "dy"), [(3, 0), (0, -4), (12, 7)])
def test_a_moving_picture_is_followed_and_its_mask_does_not_flicker(dx: int, dy: int) -> None:
    rough = np.random.default_rng(2).integers(0, 256, (40, 70), np.uint8)
    scene = cv2.resize(rough, (WIDTH + 40, HEIGHT + 40), interpolation=cv2.INTER_CUBIC)
    classes = scene // 64

    def seen(x: int, y: int, of: Image) -> Image:
        return np.ascontiguousarray(of[y : y + HEIGHT, x : x + WIDTH])

    moved = motion(seen(20, 20, scene), seen(20 + dx, 20 + dy, scene))
    assert moved.followed.mean() > 0.8
    found = np.median((moved.places - still().places)[moved.followed], axis=0)
    assert found == pytest.approx((dx, dy), abs=0.1)
    before, mask = seen(20, 20, classes), seen(20 + dx, 20 + dy, classes)
    uncompensated = still().flicker(before, mask)
    flicker = moved.flicker(before, mask)
    assert flicker is not None
    assert uncompensated is not None
    assert flicker < 0.01 < 0.1 < uncompensated


def test_two_scenes_have_no_flicker() -> None:
    noise = np.random.default_rng(5).integers(0, 256, (2, HEIGHT, WIDTH), np.uint8)
    assert motion(*noise).flicker(blocks(1), blocks(2)) is None


@pytest.mark.parametrize("hw", [(1, 1), (720, 1280), (30, 300), (300, 30)])
def test_every_size_can_be_compared(hw: tuple[int, int]) -> None:
    image = np.full(hw, 90, np.uint8)
    small = compared(image)
    assert small.shape[1] == WIDTH
    assert motion(small, small).flicker(small, small) == 0.0


def exact(before: Geometry, now: Geometry) -> Motion:
    """Return the motion of what stands still, from depth and the poses of the camera.

    What was hidden before, or moves by itself, lies elsewhere than its depth says.
    """
    across, down = now.camera.rays
    depth = np.minimum(now.depth, 1e5)
    points = np.dstack([across * depth, down * depth, depth]).reshape(-1, 3)
    world = points @ now.camera.rotation + now.camera.position.astype(np.float32)
    then = before.camera.to_camera(world)
    then[:, 2] = np.maximum(then[:, 2], 0.1)
    places = before.camera.project(then).reshape(*depth.shape, 2)
    was = cv2.remap(
        np.minimum(before.depth, 1e5), places, None, cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT, borderValue=-1.0,
    )  # fmt: skip
    expected = then[:, 2].reshape(depth.shape)
    return Motion(places, np.abs(was - expected) < 0.03 * expected)


@pytest.mark.slow
@pytest.mark.parametrize("index", [20, 150, 280])  # by day, in the tunnel or at dusk, by night
def test_perfect_masks_of_a_drive_do_not_flicker_and_what_is_put_in_is_found(index: int) -> None:
    renderer = Renderer(1, 300, (WIDTH, HEIGHT), FPS)
    before, now = renderer.geometry(index - 1), renderer.geometry(index)
    known = exact(before, now)
    assert known.followed.mean() > 0.8
    floor = known.flicker(before.labels, now.labels)
    assert floor is not None
    assert floor < 0.001
    rng = np.random.default_rng(index)
    for share in (0.01, 0.1):
        mask = np.where(rng.random(now.labels.shape) < share, 77, now.labels).astype(np.uint8)
        assert known.flicker(before.labels, mask) == pytest.approx(share, abs=0.01)


@pytest.mark.slow
def test_optical_flow_finds_the_flicker_that_exact_motion_finds() -> None:
    renderer = Renderer(1, 300, (WIDTH, HEIGHT), FPS)
    frames = [renderer.frame(index) for index in (19, 20)]
    known = exact(renderer.geometry(19), renderer.geometry(20))
    grays = [cv2.cvtColor(frame.image_bgr, cv2.COLOR_BGR2GRAY) for frame in frames]
    moved = motion(*grays)
    before, now = (frame.labels for frame in frames)
    both = moved.followed & known.followed
    assert both.mean() > 0.5
    off = np.linalg.norm(moved.places - known.places, axis=2)[both]
    assert np.median(off) < 1.0
    floor = moved.flicker(before, now)
    assert floor is not None
    assert floor < 0.01
    patches = cv2.resize(
        (np.random.default_rng(4).random((18, 32)) < 0.1).astype(np.uint8),
        (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST,
    )  # fmt: skip
    mask = np.where(patches > 0, 77, now).astype(np.uint8)
    due = patches[moved.followed].mean()
    assert moved.flicker(before, mask) == pytest.approx(due, abs=0.01)
