# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The drive as a whole: repeatable, legally labelled, and as dark as its hour."""

from __future__ import annotations

import numpy as np
import pytest
from support.drives import render_drive

from nightseg_ros.drive.classes import ROAD, SKY, UNLABELLED
from nightseg_ros.drive.render import DriveFrame, Renderer
from nightseg_ros.drive.scene import plan
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import CITYSCAPES19, IGNORE

SIZE = (160, 90)
FRAMES = 24


@pytest.fixture(scope="module")
def frames() -> list[DriveFrame]:
    return list(render_drive(5, FRAMES, SIZE))


def of_light(frames: list[DriveFrame], light: str) -> list[DriveFrame]:
    return [frame for frame in frames if frame.illumination_phase == light]


def test_same_seed_same_frames_other_seed_other_street(frames: list[DriveFrame]):
    again = list(render_drive(5, FRAMES, SIZE))
    for one, two in zip(frames, again, strict=True):
        assert np.array_equal(one.image_bgr, two.image_bgr)
        assert np.array_equal(one.labels, two.labels)
    other = next(render_drive(6, FRAMES, SIZE))
    assert (other.labels != frames[0].labels).mean() > 0.05


def test_every_plan_ends():
    # Crossings, tunnel and houses are placed at random: no seed may trap the planner in a loop.
    for seed in range(6):
        assert len(plan(seed, 150.0).casters) > 20


def test_frames_are_images_with_labels_of_the_same_size(frames: list[DriveFrame]):
    assert [frame.stamp_s for frame in frames] == [index / 10 for index in range(FRAMES)]
    for frame in frames:
        assert frame.image_bgr.shape == (90, 160, 3)
        assert frame.image_bgr.dtype == np.uint8
        assert frame.image_bgr.flags.c_contiguous
        assert frame.labels.shape == (90, 160)
        assert frame.labels.dtype == np.uint8


def test_labels_are_cityscapes_ids_and_most_classes_occur(frames: list[DriveFrame]):
    found = set(np.unique(np.stack([frame.labels for frame in frames])).tolist())
    assert found <= {*range(CITYSCAPES19.count), IGNORE}
    names = {CITYSCAPES19.names[i] for i in found - {IGNORE}}
    assert names >= {"road", "sidewalk", "building", "pole", "vegetation", "sky", "person", "car"}
    assert len(names) >= 14


def test_hours_come_in_order(frames: list[DriveFrame]):
    lights = [frame.illumination_phase for frame in frames]
    order = [
        light for light, before in zip(lights, [None, *lights], strict=False) if light != before
    ]
    assert order == ["day", "tunnel", "day", "dusk", "night"]


def test_night_is_darker_than_dusk_and_dusk_than_day(frames: list[DriveFrame]):
    day, dusk, night, tunnel = (
        np.mean([frame.image_bgr.mean() for frame in of_light(frames, light)])
        for light in ("day", "dusk", "night", "tunnel")
    )
    assert day - 10 > dusk
    assert dusk - 15 > night
    assert day - 15 > tunnel


def test_sky_is_above_the_horizon_and_road_under_the_camera(frames: list[DriveFrame]):
    for frame in frames:
        k = frame.camera_info["k"]
        horizon = k[5] - k[4] * np.tan(0.018)
        rows = np.flatnonzero((frame.labels == SKY).any(axis=1))
        assert not len(rows) or rows.max() <= horizon + 2
        assert (frame.labels[-8:, 70:90] == ROAD).mean() > 0.9
    outside = [frame for frame in frames if frame.illumination_phase != "tunnel"]
    assert np.mean([(frame.labels == SKY).mean() for frame in outside]) > 0.05


def test_tunnel_lining_has_no_class(frames: list[DriveFrame]):
    for frame in of_light(frames, "tunnel")[:2]:
        assert (frame.labels[:40] == UNLABELLED).mean() > 0.5


def test_labels_follow_the_picture(frames: list[DriveFrame]):
    """By day the sky is bluer than the road, and brighter than any other class."""
    day = of_light(frames, "day")
    pixels = np.concatenate([frame.image_bgr.reshape(-1, 3) for frame in day]).astype(float)
    labels = np.concatenate([frame.labels.ravel() for frame in day])
    sky, road = pixels[labels == SKY].mean(axis=0), pixels[labels == ROAD].mean(axis=0)
    assert sky[0] - sky[2] > 10
    assert abs(road[0] - road[2]) < 25
    brightness = {
        i: pixels[labels == i].mean() for i in np.unique(labels) if (labels == i).sum() > 400
    }
    assert max(brightness, key=lambda i: brightness[i]) == SKY


def test_edges_of_labels_are_edges_of_the_picture(frames: list[DriveFrame]):
    """Where the label changes between neighbours the picture changes more than elsewhere."""
    frame = frames[0]
    luma = frame.image_bgr.astype(float).mean(axis=2)
    steps = np.abs(np.diff(luma, axis=1))
    edges = np.diff(frame.labels.astype(int), axis=1) != 0
    assert steps[edges].mean() > 4 * steps[~edges].mean()


def test_long_drive_goes_farther_than_a_short_one():
    short, long = Renderer(1, 10, (64, 48)), Renderer(1, 300, (64, 48))
    assert short.distance < long.distance == pytest.approx(330)


@pytest.mark.parametrize(
    ("frames", "size", "fps"), [(0, (64, 48), 10), (5, (32, 48), 10), (5, (64, 48), 0)]
)
def test_impossible_drives_are_refused(frames: int, size: tuple[int, int], fps: float):
    with pytest.raises(NightsegError):
        Renderer(1, frames, size, fps)
