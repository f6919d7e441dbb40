# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Faces follow the camera geometry, nearer ones over farther ones, labels exactly."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.drive.camera import NEAR, Camera, clip_near
from nightseg_ros.drive.classes import BUILDING, CAR, ROAD, SKY
from nightseg_ros.drive.mesh import Faces, Mesh, Switch, flat, front, side
from nightseg_ros.drive.painter import Paint, paint, switched
from nightseg_ros.drive.street import Street
from nightseg_ros.drive.surface import locate

SIZE = (200, 100)
BACKGROUND = 188
LEVELS = np.ones(len(Switch), np.float32)


def camera(pitch: float = 0.0) -> Camera:
    return Camera(SIZE, np.array([0.0, 1.5, 0.0]), 0.0, pitch)


def painted(mesh: Mesh, view: Camera) -> Paint:
    faces = mesh.freeze()
    # x, y, s of a straight street are the axes of the world
    order = np.arange(len(faces.count))
    return paint(faces, faces.points, order, LEVELS, view, BACKGROUND)


def test_a_rectangle_covers_the_pixels_that_it_projects_to():
    mesh = Mesh()
    mesh.add(front((-1, 1), (0.5, 2.5), 16.0), (200, 0, 0), CAR)
    result = painted(mesh, camera())
    labels = result.labels()
    # 0.8 * 200 pixels of focal length: 1 m at 16 m is 10 pixels, about (99.5, 49.5).
    inside = np.zeros(labels.shape, bool)
    inside[40:60, 90:110] = True
    assert (labels[inside] == CAR).all()
    around = np.zeros(labels.shape, bool)
    around[38:62, 88:112] = True
    assert (labels[~around] == SKY).all()
    assert (result.color[~around] == (BACKGROUND,) * 3 + (0,)).all()


def test_later_faces_cover_earlier_ones_and_decals_keep_the_label():
    mesh = Mesh()
    mesh.add(front((-2, 2), (0, 3), 16.0), (10, 10, 10), BUILDING)
    mesh.add(front((-1, 1), (1, 2), 16.0), (250, 250, 250), CAR, decal=True)
    result = painted(mesh, camera())
    assert set(np.unique(result.labels())) == {BUILDING, SKY}
    assert (result.color[50, 100, :3] == 250).all()
    mesh.add(front((-0.5, 0.5), (1, 2), 8.0), (0, 0, 0), CAR)
    assert painted(mesh, camera()).labels()[50, 100] == CAR


def test_faces_that_look_away_are_not_seen():
    mesh = Mesh()
    mesh.add(front((-1, 1), (0, 3), 10.0), (0, 0, 0), CAR, away=(0, 1, 5))
    assert (painted(mesh, camera()).labels() == SKY).all()
    turned = Mesh()
    turned.add(front((-1, 1), (0, 3), 10.0), (0, 0, 0), CAR, away=(0, 1, 15))
    assert (painted(turned, camera()).labels() == CAR).any()


def test_ground_under_the_camera_is_cut_at_the_near_plane():
    mesh = Mesh()
    mesh.add(flat((-5, 5), 0.0, (-10, 60)), (90, 90, 90), ROAD)
    labels = painted(mesh, camera(0.02)).labels()
    assert (labels[-1] == ROAD).all()
    assert (labels[: int(camera(0.02).horizon)] == SKY).all()


@pytest.mark.parametrize("pitch", [0.0, 0.03, -0.05])
def test_depth_and_height_of_every_pixel_are_those_of_the_plane(pitch: float):
    mesh = Mesh()
    mesh.add(flat((-60, 60), 0.0, (-10, 3000)), (90, 90, 90), ROAD)
    mesh.add(side(4.0, (0, 6), (5, 50)), (90, 90, 90), BUILDING)
    view = camera(pitch)
    result = painted(mesh, view)
    street = Street(300, np.random.default_rng(0))
    street._heading[:] = 0
    street._x[:] = 0
    street._z[:] = np.arange(len(street._z)) - 80
    surface = locate(result, view, street, 0.0, 0.0)
    labels = result.labels()
    road = labels == ROAD
    assert np.abs(surface.height[road & (surface.z < 100)]).max() < 0.02
    inner = (labels == BUILDING) & (np.roll(labels, 2, 1) == BUILDING)
    assert np.abs(surface.across[inner] - 4.0).max() < 0.02


def test_windows_are_dark_glass_until_they_are_lit():
    mesh = Mesh()
    for _ in range(20):
        mesh.add(
            front((0, 1), (0, 1), 5), (255, 200, 120), BUILDING, glow=0.5, switch=Switch.WINDOW
        )
    faces: Faces = mesh.freeze()

    def lit(level: float) -> int:
        levels = np.zeros(len(Switch), np.float32)
        levels[Switch.WINDOW] = level
        return int((switched(faces, levels)[:, 3] > 0).sum())

    assert lit(0.0) == 0
    assert 0 < lit(0.5) < 20
    assert lit(1.0) == 20


def test_clip_keeps_what_is_in_front():
    square = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 3], [-1, 0, 3]], np.float32)
    clipped = clip_near(square)
    assert clipped[:, 2].min() == pytest.approx(NEAR)
    assert clipped[:, 2].max() == 3
    assert len(clip_near(square - [0, 0, 10])) == 0


def test_camera_info_projects_like_the_camera():
    view = Camera((640, 360), np.array([0.5, 1.4, 3.0]), 0.2, 0.03)
    points = view.to_camera(np.array([[2.0, 0.0, 20.0], [-3.0, 5.0, 40.0]], np.float32))
    k = np.array(view.info()["k"]).reshape(3, 3)
    expected = (points @ k.T)[:, :2] / points[:, 2:]
    assert np.allclose(view.project(points), expected, atol=1e-3)


def test_looking_down_moves_the_horizon_up():
    far = np.array([[0.0, 1.5, 1e6]], np.float32)
    view = camera(0.05)
    assert view.project(view.to_camera(far))[0, 1] == pytest.approx(view.horizon, abs=0.01)
    assert view.horizon < camera().horizon
