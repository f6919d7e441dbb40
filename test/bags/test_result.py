# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The bag of a replay carries the diagnostics of the node, under the names and keys of the node."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rosbags.rosbag2")
from support import bags as bags

from nightseg_ros.bags.frames import BagFrame
from nightseg_ros.bags.result import DIAGNOSTICS, ResultBag
from nightseg_ros.engines.engine import EngineInfo
from nightseg_ros.labels.label_set import CITYSCAPES19
from nightseg_ros.perception.frame_result import FrameResult
from nightseg_ros.perception.image_messages import DecodedImage
from nightseg_ros.perception.status import backend_report
from nightseg_ros.perception.timing import STAGES

TIMES = {**dict.fromkeys(STAGES, 1.25), "total": 5.0}


def written(path, cameras, frames):
    info = EngineInfo("onnxruntime", "CPUExecutionProvider", "cpu", "fp32")
    backend = backend_report({}, {"day": info})
    with ResultBag(path, cameras, CITYSCAPES19, "auto", backend) as bag:
        for index, camera in frames:
            image = DecodedImage(bags.picture(index), "bgr")
            at = bags.stamp(index)
            frame = BagFrame(index, camera, at, at + 7, "lens", image)
            mask = np.zeros((48, 64), np.uint8)
            bag.write(frame, FrameResult(mask, None, "night", "dark", 0.125, TIMES))
    return bags.read_bag(path)[DIAGNOSTICS]


def by_name(message):
    return {s.name: (s, {v.key: v.value for v in s.values}) for s in message.status}


def test_every_frame_has_its_route_and_times(tmp_path):
    found = written(tmp_path / "w.mcap", ["/cam"], [(i, "/cam") for i in range(12)])
    assert [at for at, _ in found] == [bags.stamp(i) + 7 for i in range(12)]
    stamp = found[1][1].header.stamp
    assert stamp.sec * 10**9 + stamp.nanosec == bags.stamp(1)
    status, values = by_name(found[1][1])["segmentation_node: route"]
    assert (status.level, status.message) == (0, "night: dark")
    assert values["illumination"] == "0.125"
    assert values["asked_for"] == "auto"
    _, values = by_name(found[1][1])["segmentation_node: processing_time_status"]
    assert values["processing_time_ms"] == "5.000"
    assert values["inference_time_ms"] == "1.250"
    backend = ["segmentation_node: backend" in by_name(message) for _, message in found]
    assert backend == [i in (0, 10) for i in range(12)]  # frames are 0.1 s apart


def test_cameras_have_routes_of_their_own(tmp_path):
    found = written(tmp_path / "w.mcap", ["/a", "/b"], [(0, "/a"), (1, "/b")])
    assert "segmentation_node: route a" in by_name(found[0][1])
    assert "segmentation_node: route b" in by_name(found[1][1])


@pytest.mark.ros
def test_names_and_keys_are_those_of_the_node(tmp_path):
    from nightseg_ros.ros.reports import processing_report, route_report
    from nightseg_ros.ros.settings import Settings
    from nightseg_ros.ros.statistics import NodeStatistics

    statistics = NodeStatistics(["cam"])
    camera = statistics.cameras["cam"]
    node = [
        route_report("", camera, Settings()),
        processing_report(statistics, Settings()),
    ]
    found = by_name(written(tmp_path / "w.mcap", ["/cam"], [(0, "/cam")])[0][1])
    for report in node:
        _, values = found[f"segmentation_node: {report.name}"]
        assert set(values) <= set(report.values)
