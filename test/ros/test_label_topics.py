# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""LabelInfo as Nav2 expects it; vision_msgs is built where it is not installed."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from nightseg_ros.labels.label_set import CITYSCAPES19, Label, LabelSet
from nightseg_ros.ros import label_topics

pytestmark = pytest.mark.ros


MANY = LabelSet("many", tuple(Label(id, f"class {id}", (id, 0, 1)) for id in range(255)))


@pytest.mark.parametrize("labels", [CITYSCAPES19, MANY], ids=["19", "255"])
def test_label_info(messages, labels):
    info = label_topics.label_info(labels, 0.25)
    assert [(x.class_id, x.class_name) for x in info.class_map] == [
        *enumerate(labels.names),
        (255, "unlabeled"),
    ]
    assert info.threshold == 0.25


def test_label_info_is_latched_beside_the_mask(start, messages):
    from nightseg_ros.ros.qos import latched

    graph = start(cameras="[front]", confidence_threshold=0.5)
    graph.settle(0.2)
    for output in ("label_info", "front/label_info"):
        seen = graph.watch(output, label_topics.LabelInfo, latched())
        assert graph.got(seen), output
        assert seen[0].threshold == 0.5
        assert len(seen[0].class_map) == 20
