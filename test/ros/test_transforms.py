# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TF: chains, times and turns, with plain objects in place of messages."""

from __future__ import annotations

import math
from types import SimpleNamespace as Plain

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros import transforms
from nightseg_ros.ros.transforms import Transforms, matrix_of

pytestmark = pytest.mark.ros

OPTICAL = (-0.5, 0.5, -0.5, 0.5)
"""From a body frame (x ahead, z up) to an optical one (z ahead, y down)."""


@pytest.fixture(autouse=True)
def has_tf2_msgs(monkeypatch):
    monkeypatch.setattr(transforms, "TFMessage", object)


def transform(parent, child, move=(0.0, 0.0, 0.0), turn=(0.0, 0.0, 0.0, 1.0), seconds=0.0):
    stamp = Plain(sec=int(seconds), nanosec=round(seconds % 1 * 1e9))
    return Plain(
        header=Plain(stamp=stamp, frame_id=parent),
        child_frame_id=child,
        transform=Plain(
            translation=Plain(**dict(zip("xyz", move, strict=True))),
            rotation=Plain(**dict(zip("xyzw", turn, strict=True))),
        ),
    )


def tree(*fixed, moving=()):
    found = Transforms()
    found.add(Plain(transforms=list(fixed)), fixed=True)
    for one in moving:
        found.add(Plain(transforms=[one]), fixed=False)
    return found


def about_y(angle):
    return (0.0, math.sin(angle / 2), 0.0, math.cos(angle / 2))


def ns(seconds):
    return round(seconds * 1e9)


def test_a_rigid_mount():
    """base_footprint below base_link, a camera ahead of and above it: ground 1.5 m below."""
    found = tree(
        transform("base_footprint", "base_link", (0.0, 0.0, 0.3)),
        transform("base_link", "camera", (0.5, 0.1, 1.2)),
        transform("camera", "optical", turn=OPTICAL),
    )
    up, height = found.plane("base_footprint", "/optical", ns(7.0))
    np.testing.assert_allclose(up, (0.0, -1.0, 0.0), atol=1e-12)
    assert height == pytest.approx(1.5)


def test_the_ground_may_be_a_leaf_too():
    """REP 120: base_footprint may be a child of base_link."""
    found = tree(
        transform("base_link", "base_footprint", (0.0, 0.0, -0.3)),
        transform("base_link", "optical", (0.5, 0.1, 1.2), OPTICAL),
    )
    up, height = found.plane("base_footprint", "optical", 0)
    np.testing.assert_allclose(up, (0.0, -1.0, 0.0), atol=1e-12)
    assert height == pytest.approx(1.5)


def test_a_turn_is_taken_at_the_stamp():
    """Half way between two messages, half the pitch."""
    found = tree(
        transform("base_link", "optical", (0.0, 0.0, 1.0), OPTICAL),
        moving=[
            transform("base_footprint", "base_link", turn=about_y(angle), seconds=seconds)
            for seconds, angle in ((1.0, 0.0), (1.1, 0.2))
        ],
    )
    for seconds, angle in ((1.0, 0.0), (1.05, 0.1), (1.1, 0.2), (1.2, 0.2)):
        up, _ = found.plane("base_footprint", "optical", ns(seconds))
        # Positive about y looks down: up leans towards the viewer.
        np.testing.assert_allclose(up, (0.0, -math.cos(angle), -math.sin(angle)), atol=1e-4)


@pytest.mark.parametrize(("seconds", "why"), [(0.5, "newer than the image"), (2.0, "0.90 s old")])
def test_too_old_or_too_new_is_refused(seconds, why):
    moving = [transform("ground", "optical", seconds=at) for at in (1.0, 1.1)]
    with pytest.raises(NightsegError, match=f"{why}.*use_sim_time"):
        tree(moving=moving).plane("ground", "optical", ns(seconds))


def test_frames_that_are_not_connected():
    found = tree(transform("base_link", "lidar"))
    with pytest.raises(NightsegError, match=r"no transform from optical to base_footprint.*lidar"):
        found.plane("base_footprint", "optical", 0)


def test_a_loop_ends():
    found = tree(transform("a", "b"), transform("b", "a"))
    with pytest.raises(NightsegError, match="no transform"):
        found.plane("ground", "a", 0)


def test_history_ends_and_starts_anew_when_time_jumps_back():
    found = tree(moving=[transform("ground", "optical", seconds=at) for at in range(100)])
    assert len(found._poses["optical"]) == 11
    found.add(Plain(transforms=[transform("ground", "optical", seconds=5.0)]), fixed=False)
    found.plane("ground", "optical", ns(5.0))
    assert len(found._poses["optical"]) == 1


@pytest.mark.parametrize("turn", [(0.0, 0.0, 0.0, 0.0), (math.nan, 0.0, 0.0, 1.0)])
def test_what_is_no_rotation_is_left_out(turn):
    with pytest.raises(NightsegError, match="no transform"):
        tree(transform("ground", "optical", turn=turn)).plane("ground", "optical", 0)


def test_without_tf2_msgs_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(transforms, "TFMessage", None)
    with pytest.raises(NightsegError, match="tf2-msgs"):
        Transforms().plane("ground", "optical", 0)


def test_matrix_of_a_quaternion():
    """A quarter turn about z takes x to y."""
    half = math.sqrt(0.5)
    matrix = matrix_of(np.array([0.0, 0.0, half, half]))
    np.testing.assert_allclose(matrix @ (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), atol=1e-12)
