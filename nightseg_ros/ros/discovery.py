# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Who should be sending the images of a camera, and why nothing may come from them."""

from __future__ import annotations

from rclpy.node import Node

from nightseg_ros.ros.cameras import CameraInput
from nightseg_ros.ros.qos import describe, mismatch

_TAIL = "/compressed"


def found_publishers(node: Node, camera: CameraInput) -> list[str]:
    """Return each publisher on the topic: its node, its QoS, and what does not fit."""
    texts = []
    for info in node.get_publishers_info_by_topic(camera.resolved_topic):
        owner = f"{info.node_namespace.rstrip('/')}/{info.node_name}"
        text = f"{owner} ({describe(info.qos_profile)})"
        if info.topic_type != camera.type_name:
            text += f" sends {info.topic_type}, need {camera.type_name}"
        elif reason := mismatch(info.qos_profile, camera.profile):
            text += f" does not fit: {reason}"
        texts.append(text)
    return texts


def advice(node: Node, camera: CameraInput) -> str:
    """Return what may be meant where nobody publishes on the topic of a camera."""
    topic = camera.resolved_topic
    if node.count_publishers(topic):
        return ""
    compressed = topic.endswith(_TAIL)
    other = topic.removesuffix(_TAIL) if compressed else topic + _TAIL
    if node.count_publishers(other):
        transport = "raw" if compressed else "compressed"
        return f"{other} has a publisher: set input_transport to {transport}"
    return "remap it to the topic of the camera"


def has_mismatch(node: Node, topic: str) -> bool:
    """Return whether some publisher and some subscriber of a topic cannot talk."""
    return any(
        mismatch(publisher.qos_profile, subscriber.qos_profile)
        for publisher in node.get_publishers_info_by_topic(topic)
        for subscriber in node.get_subscriptions_info_by_topic(topic)
    )
