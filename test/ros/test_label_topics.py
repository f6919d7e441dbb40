# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""LabelInfo as Nav2 wants it, with stand-ins where vision_msgs is not installed."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from nightseg_ros.labels import CITYSCAPES19
from nightseg_ros.ros import label_topics

pytestmark = pytest.mark.ros


@dataclass
class VisionClass:
    class_id: int
    class_name: str


@dataclass
class LabelInfo:
    class_map: list = field(default_factory=list)
    threshold: float = 0.0


def test_label_info(monkeypatch):
    if label_topics.LabelInfo is None:
        monkeypatch.setattr(label_topics, "LabelInfo", LabelInfo)
        monkeypatch.setattr(label_topics, "VisionClass", VisionClass)
    info = label_topics.label_info(CITYSCAPES19, 0.25)
    assert [(x.class_id, x.class_name) for x in info.class_map] == [
        *enumerate(CITYSCAPES19.names),
        (255, "unlabeled"),
    ]
    assert info.threshold == 0.25


@pytest.mark.skipif(label_topics.LabelInfo is None, reason="vision_msgs is not installed")
def test_label_info_is_latched_beside_the_mask(start):
    from nightseg_ros.ros.qos import latched

    graph = start(cameras="[front]", confidence_threshold=0.5)
    graph.settle(0.2)
    for output in ("label_info", "front/label_info"):
        seen = graph.watch(output, label_topics.LabelInfo, latched())
        assert graph.got(seen), output
        assert seen[0].threshold == 0.5
        assert len(seen[0].class_map) == 20
