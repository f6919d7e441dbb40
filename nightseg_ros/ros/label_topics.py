# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Publishes the meaning of the class ids: latched, per node and next to each camera's mask."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from std_msgs.msg import String

from nightseg_ros.labels.label_set import IGNORE, LabelSet
from nightseg_ros.ros.qos import Notice, create_publisher, latched

if TYPE_CHECKING:
    from rclpy.lifecycle import LifecycleNode

try:
    from vision_msgs.msg import LabelInfo, VisionClass
except ImportError:  # an optional package: without it there is only the JSON
    LabelInfo = VisionClass = None

UNLABELED = "unlabeled"


class LabelTopics:
    """`labels` (JSON) and, where vision_msgs is installed, `label_info`.

    Consumers such as Nav2 look for label_info next to the mask; others want one topic for the
    whole node. Both exist.
    """

    def __init__(
        self, node: LifecycleNode, cameras: Iterable[str], labels: LabelSet, notice: Notice
    ) -> None:
        self._node, self._labels = node, labels
        prefixes = dict.fromkeys(["~/", *(f"~/{camera}/" for camera in cameras if camera)])
        self._labels_topics = [
            create_publisher(node, String, f"{prefix}labels", latched(), notice)
            for prefix in prefixes
        ]
        self._info_topics = [
            create_publisher(node, LabelInfo, f"{prefix}label_info", latched(), notice)
            for prefix in prefixes
            if LabelInfo is not None
        ]

    def publish(self, threshold: float) -> None:
        """Publish the label set and the confidence below which a pixel has no label."""
        text = String(data=labels_json(self._labels))
        for publisher in self._labels_topics:
            publisher.publish(text)
        for publisher in self._info_topics:
            info = label_info(self._labels, threshold)
            info.header.stamp = self._node.get_clock().now().to_msg()
            publisher.publish(info)

    def destroy(self) -> None:
        """Remove the topics from the graph."""
        for publisher in self._labels_topics + self._info_topics:
            self._node.destroy_lifecycle_publisher(publisher)


def labels_json(labels: LabelSet) -> str:
    """Return the label set as JSON, with the id of unlabelled pixels."""
    classes = labels.to_dict()["classes"]
    return json.dumps({"name": labels.name, "classes": classes, "unlabeled": IGNORE})


def label_info(labels: LabelSet, threshold: float) -> Any:
    """Return the label set as a vision_msgs/LabelInfo, with 255, as it requires."""
    classes = [VisionClass(class_id=label.id, class_name=label.name) for label in labels.labels]
    classes.append(VisionClass(class_id=IGNORE, class_name=UNLABELED))
    return LabelInfo(class_map=classes, threshold=float(threshold))
