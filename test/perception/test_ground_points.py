# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Places of pixels: against geometry that is known, and the rules of feet."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.drive.render import Renderer
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import CITYSCAPES19, label_set
from nightseg_ros.perception.ground_points import (
    LEVEL,
    STANDING,
    Classes,
    GroundPoints,
    Plane,
    rays_of,
)
from nightseg_ros.trials.bench_points import plane_of

ROAD, SIDEWALK, BUILDING, SKY, PERSON, RIDER, CAR, BICYCLE = 0, 1, 2, 10, 11, 12, 13, 18
UNLABELLED = 255
SIZE = (240, 136)
CAMERA = np.array([[100.0, 0.0, 39.5], [0.0, 100.0, 29.5], [0.0, 0.0, 1.0]])
LEVEL_PLANE = Plane((0.0, -1.0, 0.0), 1.0)


def classes(kerb_m=0.0):
    return Classes.of(CITYSCAPES19, LEVEL, STANDING, kerb_m)


def place(mask, plane=LEVEL_PLANE, kerb_m=0.0, farthest_m=50.0):
    """Return the (H, W, 3) places of a mask of 80x60 from a camera 1 m above level ground."""
    mask = np.asarray(mask, np.uint8)
    rays = rays_of(CAMERA, np.zeros(5), "plumb_bob", (mask.shape[1], mask.shape[0]))
    out = np.zeros((*mask.shape, 4), np.float32)
    GroundPoints(rays, classes(kerb_m), farthest_m).fill(mask, plane, out)
    return out[..., :3]


def street():
    """Return a mask: sky above the horizon, road below."""
    mask = np.full((60, 80), SKY, np.uint8)
    mask[30:] = ROAD
    return mask


@pytest.mark.parametrize(("pitch", "roll"), [(0.0, 0.0), (-0.05, 0.08), (0.2, -0.1)])
@pytest.mark.parametrize("index", [0, 11, 20])
def test_ground_of_the_drive_is_where_it_is(index, pitch, roll):
    """To 15 m, at any pitch and roll, every pixel of the road."""
    frame = Renderer(3, 24, SIZE).geometry(index, pitch, roll)
    x, y = (np.array(ray) for ray in np.broadcast_arrays(*frame.camera.rays))
    out = np.zeros((*frame.labels.shape, 4), np.float32)
    GroundPoints((x, y), classes(), 20.0).fill(frame.labels, plane_of(frame), out)
    true = np.stack([x * frame.depth, y * frame.depth, frame.depth], -1)
    road = (frame.labels == ROAD) & (frame.depth < 15.0)
    assert road.sum() > 5000
    error = np.linalg.norm(out[road][:, :3] - true[road], axis=1)
    assert (error <= 0.05 * np.linalg.norm(true[road], axis=1)).all()


def test_ground_in_numbers():
    """A ray that falls by a tenth meets the ground, 1 m below, 10 m ahead."""
    places = place(street())
    row = 39  # 9.5 rows below the centre
    depth = 1.0 / (9.5 / 100.0)
    np.testing.assert_allclose(places[row, 40], (depth * 0.005, 1.0, depth), rtol=1e-5)
    assert np.isnan(places[:30]).all()
    assert np.isnan(place(street(), farthest_m=10.0)[row]).all()


def test_what_stands_is_upright_above_its_feet():
    mask = street()
    mask[20:40, 30:50] = BUILDING
    places = place(mask)
    on_ground = 1.0 / (10.0 / 100.0)  # the border below row 39 is 10 rows below the centre
    np.testing.assert_allclose(places[20:40, 30:50, 2], on_ground, rtol=1e-4)
    np.testing.assert_allclose(places[20, 30, 1], -9.5 / 100 * on_ground, rtol=1e-4)


@pytest.mark.parametrize(
    ("below", "placed"), [(ROAD, True), (SKY, False), (CAR, False), (UNLABELLED, False)]
)
def test_feet_need_ground_below(below, placed):
    mask = np.full((60, 80), below, np.uint8)
    mask[10:45] = PERSON
    assert np.isfinite(place(mask)[40, 40]).all() == placed


def test_unlabelled_borders_hide_no_feet_and_have_no_place():
    mask = street()
    mask[20:38, 30:50], mask[38:40, 30:50], mask[25, 30:50] = PERSON, UNLABELLED, UNLABELLED
    places = place(mask)
    assert np.isnan(places[38:40, 30:50]).all()
    assert np.isnan(places[25, 30:50]).all()
    np.testing.assert_allclose(places[20:25, 30:50, 2], 10.0, rtol=1e-4)


def test_a_rider_stands_on_the_wheels_of_a_bicycle():
    mask = street()
    mask[25:35, 40], mask[35:40, 40] = RIDER, BICYCLE
    np.testing.assert_allclose(place(mask)[25:40, 40, 2], 10.0, rtol=1e-4)


def test_a_car_is_as_near_as_its_wheels_not_as_the_ground_seen_below_it():
    mask = street()
    mask[22:38, 30:50] = CAR  # 2 m wide at 10 m
    mask[38:40, 30:33] = mask[38:40, 47:50] = CAR
    np.testing.assert_allclose(place(mask)[22:38, 30:50, 2], 10.0, rtol=1e-4)


def test_what_would_be_too_tall_has_its_feet_out_of_view():
    mask = street()
    mask[:31, 40] = CAR  # a mirror of the car beside us: the ground below it is far behind
    assert np.isnan(place(mask, farthest_m=300.0)[:31, 40]).all()


def test_sidewalks_lie_higher():
    mask = street()
    mask[40:] = SIDEWALK
    low, high = place(mask), place(mask, kerb_m=0.1)
    np.testing.assert_allclose(high[40:, :, 2], 0.9 * low[40:, :, 2], rtol=1e-5)


def test_colours_are_those_of_the_classes():
    rays = rays_of(CAMERA, np.zeros(5), "plumb_bob", (80, 60))
    out = np.zeros((60, 80, 4), np.float32)
    GroundPoints(rays, classes(), 15.0).fill(street(), LEVEL_PLANE, out)
    packed = out[..., 3].copy().view(np.uint32)
    assert hex(packed[59, 0]) == "0x804080"
    assert hex(packed[0, 0]) == "0x4682b4"


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 1)])
def test_any_size(size):
    assert place(np.zeros(size)).shape == (*size, 3)


@pytest.mark.parametrize("plane", [Plane((0.0, -1.0, 0.0), -0.2), Plane((0.0, 0.0, -1.0), 2.0)])
def test_a_camera_below_the_ground_or_straight_down_is_refused(plane):
    with pytest.raises(NightsegError, match="check the frame of the images and ground_frame"):
        place(street(), plane)


def test_a_label_set_without_ground_is_refused():
    with pytest.raises(NightsegError, match="ground_classes"):
        Classes.of(label_set("joint11"), ("snow",), STANDING, 0.0)


@pytest.mark.parametrize(
    ("model", "distortion"),
    [
        ("plumb_bob", [-0.2, 0.05, 0.001, -0.001, 0.0]),
        ("rational_polynomial", [0.1, 0.02, 0.0, 0.0, 0.01, 0.2, 0.01, 0.0]),
        ("equidistant", [0.05, -0.01, 0.002, 0.0]),
    ],
)
def test_rays_undo_the_distortion(model, distortion):
    """Distorted by the formulas of OpenCV's models in numpy, the rays are the pixels again."""
    d = np.array(distortion)
    x, y = (ray.astype(float) for ray in rays_of(CAMERA, d, model, (80, 60)))
    r = np.hypot(x, y)
    if model == "equidistant":
        t = np.arctan(r)
        radial = t * (1 + d[0] * t**2 + d[1] * t**4 + d[2] * t**6 + d[3] * t**8) / r
        u, v = x * radial, y * radial
    else:
        below = 1 + (d[5] * r**2 + d[6] * r**4 + d[7] * r**6 if len(d) > 5 else 0)
        radial = (1 + d[0] * r**2 + d[1] * r**4 + d[4] * r**6) / below
        u = x * radial + 2 * d[2] * x * y + d[3] * (r**2 + 2 * x**2)
        v = y * radial + d[2] * (r**2 + 2 * y**2) + 2 * d[3] * x * y
    np.testing.assert_allclose(100 * u + 39.5, np.broadcast_to(np.arange(80), u.shape), atol=0.02)
    np.testing.assert_allclose(100 * v + 29.5, np.arange(60)[:, None] + 0 * v, atol=0.02)


def test_an_unknown_distortion_is_named():
    with pytest.raises(NightsegError, match="'omni'"):
        rays_of(CAMERA, np.ones(4), "omni", (80, 60))
