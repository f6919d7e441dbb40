# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Faults of recorded cameras are found as the node finds them, each from its start to its end."""

from __future__ import annotations

import numpy as np

from nightseg_ros.bags.frames import BagFrame
from nightseg_ros.perception.camera_health import CameraHealth
from nightseg_ros.perception.frame_result import FrameResult
from nightseg_ros.perception.image_messages import DecodedImage
from nightseg_ros.replay import camera_watch
from nightseg_ros.replay.camera_watch import CameraWatch, FaultSpans

TENTH_NS = 10**8


def frame(index: int, topic: str = "/cam", seed: int = 0, stamped: bool = True) -> BagFrame:
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    at = index * TENTH_NS
    return BagFrame(index, topic, at if stamped else 0, at, image=DecodedImage(pixels, "bgr"))


def row(index: int, topic: str = "/cam", faults=(), visibility=1.0, region="") -> dict:
    found = {"faults": list(faults), "visibility": visibility, "region": region}
    return {"topic": topic, "bag_ns": index, **found}


def mask(size=(6, 8)) -> FrameResult:
    return FrameResult(np.zeros(size, np.uint8), None, "day", "", 0.5, {})


def test_every_camera_is_judged_by_its_own_frames():
    watch, alone = CameraWatch(), CameraHealth()
    for index in range(8):
        still = watch.look(frame(index, "/still"))
        moving = watch.look(frame(index, "/moving", seed=index))
        image = frame(index).image
        assert image is not None
        expected = alone.update(image.pixels, "bgr", index / 10)
        assert still["faults"] == list(expected.faults)
        assert still["visibility"] == expected.visibility
    assert "frozen" in still["faults"]
    assert still["region"] == "100 %, x 0 to 100 %, y 0 to 100 %"
    assert "frozen" not in moving["faults"]


def test_camera_without_stamps_goes_by_the_time_of_the_bag():
    watch = CameraWatch()
    rows = [watch.look(frame(index, stamped=False)) for index in range(8)]
    assert "frozen" in rows[-1]["faults"]


def test_invalid_pixels_are_dropped_by_the_frames_before():
    watch, first = CameraWatch(), None
    for index in range(8):
        results = [mask(), mask((3, 4))]
        watch.drop_invalid("/cam", results)
        frozen = "frozen" in watch.look(frame(index))["faults"]
        dropped = [bool((result.mask == 255).all()) for result in results]
        assert dropped == [first is not None] * 2
        first = index if frozen and first is None else first
    assert first is not None
    other = mask()
    watch.drop_invalid("/other", [other])
    assert not other.mask.any()


def test_spans_have_the_worst_of_their_time_and_cameras_of_their_own():
    spans = FaultSpans()
    for one in (
        row(0),
        row(1, faults=["covered"], visibility=0.5, region="half"),
        row(2, "/other"),
        row(3, faults=["covered", "noisy"], visibility=0.2, region="most"),
        row(4, faults=["covered"], visibility=0.9, region="little"),
        row(5),
        row(6, faults=["covered"], visibility=0.7, region="again"),
    ):
        spans.add(one)
    found = spans.to_dict()
    kept = ("fault", "start_ns", "end_ns", "region")
    assert [tuple(span[key] for key in kept) for span in found["faults"]] == [
        ("covered", 1, 4, "most"),
        ("noisy", 3, 3, "most"),
        ("covered", 6, 6, "again"),
    ]
    assert found["faults_left_out"] == 0


def test_faults_are_bounded(monkeypatch):
    monkeypatch.setattr(camera_watch, "FAULTS_KEPT", 2)
    spans = FaultSpans()
    for index in range(10):
        spans.add(row(index, faults=["covered"] if index % 2 else []))
    found = spans.to_dict()
    assert [span["start_ns"] for span in found["faults"]] == [1, 3]
    assert found["faults_left_out"] == 3
