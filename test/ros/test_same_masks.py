# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The live node, `nightseg replay` and `nightseg segment` give identical masks of equal frames."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs rclpy")
pytest.importorskip("rosbags.rosbag2")

import bags_for_tests as bags
import models_for_tests as tiny
from segmentation_graph import image, pixels_of

from nightseg_ros.cli.main import main

pytestmark = pytest.mark.ros
FRAMES = 4


def masks(folder: Path):
    return [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(folder.glob("*.png"))]


@pytest.mark.parametrize("route", ["day", "night", "translate"])
def test_live_replayed_and_segmented_masks_are_identical(start, tmp_path: Path, route: str):
    models = tiny.models_folder(tmp_path / "models")
    frames = [bags.picture(i, (90, 150)) for i in range(FRAMES)]
    options = ["--models", models, "--engine", "onnxruntime-cpu", "--route", route]

    content = [
        ("/cam/image", bags.stamp(i), bags.raw(bags.stamp(i), frame))
        for i, frame in enumerate(frames)
    ]
    bag = bags.write_bag(tmp_path / "bag.mcap", content)
    argv = ["replay", bag, "--out", tmp_path / "replay", "--masks", *options]
    assert main([str(word) for word in argv]) == 0
    replayed = masks(tmp_path / "replay/masks/cam_image")

    (tmp_path / "stills").mkdir()
    for i, frame in enumerate(frames):
        assert cv2.imwrite(str(tmp_path / f"stills/{i}.png"), frame)
    argv = ["segment", tmp_path / "stills", "--out", tmp_path / "segment", *options]
    assert main([str(word) for word in argv]) == 0
    segmented = masks(tmp_path / "segment")

    graph = start(models_dir=models, engine="onnxruntime-cpu", route=route)
    camera, seen = graph.camera(), graph.watch()
    graph.connected(camera)
    for i, frame in enumerate(frames):
        camera.publish(image(frame, float(i + 1)))
        assert graph.got(seen, i + 1)
    live = [pixels_of(message) for message in seen]

    assert len(live) == len(replayed) == len(segmented) == FRAMES
    for a, b, c in zip(live, replayed, segmented, strict=True):
        assert len(np.unique(a)) > 1
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(b, c)
