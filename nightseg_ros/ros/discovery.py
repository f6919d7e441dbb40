# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the publishers of a camera's images, and why nothing arrives from them."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from nightseg_ros.ros.publishers import OUTPUTS
from nightseg_ros.ros.qos import describe, mismatch

if TYPE_CHECKING:
    from rclpy.node import Node
    from rclpy.topic_endpoint_info import TopicEndpointInfo

    from nightseg_ros.ros.cameras import CameraInput

LABELS = "/labels"
_TAIL = "/compressed"
_RAW, _COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
_OTHER = {_RAW: _COMPRESSED, _COMPRESSED: _RAW}
_KIND = {_RAW: "raw", _COMPRESSED: "compressed"}
_OURS = tuple(f"/{output}" for output in (*OUTPUTS, "overlay"))
MOST_SIMILAR = 3


def found_publishers(node: Node, camera: CameraInput) -> list[str]:
    """Return each publisher on the topic: its node, its QoS, and what does not match."""
    texts = []
    for info in node.get_publishers_info_by_topic(camera.resolved_topic):
        text = f"{full_name(info)} ({describe(info.qos_profile)})"
        if info.topic_type != camera.type_name:
            text += f" sends {info.topic_type}, need {camera.type_name}"
        elif reason := mismatch(info.qos_profile, camera.profile):
            text += f" does not match: {reason}"
        texts.append(text)
    return texts


def advice(node: Node, name: str, wanted: str) -> str:
    """Return what to do where no image of the wanted type arrives on a topic."""
    topic, other = node.resolve_topic_name(name), _OTHER[wanted]
    sent = {info.topic_type for info in node.get_publishers_info_by_topic(topic)}
    if wanted in sent:
        return ""
    if other in sent or (wanted == _RAW and topic.endswith(_TAIL)):
        return f"{topic} is for {_KIND[other]} images: {_switch(name, other)} to it"
    sibling = topic.removesuffix(_TAIL) if wanted == _COMPRESSED else topic + _TAIL
    if node.count_publishers(sibling):
        return f"{sibling} has a publisher: set input_transport to {_KIND[other]}"
    for kind, remedy in ((wanted, f"remap {name}"), (other, _switch(name, other))):
        if found := similar_images(node, topic, kind):
            return f"{_KIND[kind]} images are on {', '.join(found)}: {remedy} to the camera's topic"
    return "remap it to the topic of the camera"


def similar_images(node: Node, topic: str, kind: str) -> list[str]:
    """Return topics with images of a type, without our own masks, the most similar names first."""
    found = [
        name
        for name, types in node.get_topic_names_and_types()
        if kind in types and not name.endswith(_OURS) and node.count_publishers(name)
    ]
    found.sort(key=lambda name: SequenceMatcher(None, name, topic).ratio(), reverse=True)
    return found[:MOST_SIMILAR]


def _switch(name: str, kind: str) -> str:
    base = name.removesuffix(_TAIL)
    topic = base + _TAIL if kind == _COMPRESSED else base
    return f"set input_transport to {_KIND[kind]} and remap {topic}"


def segmentation_nodes(node: Node) -> list[str]:
    """Return the full names of nodes that publish labels as a segmentation node does."""
    return [
        topic.removesuffix(LABELS)
        for topic, _ in node.get_topic_names_and_types()
        if topic.endswith(LABELS)
        and topic.removesuffix(LABELS) in map(full_name, node.get_publishers_info_by_topic(topic))
    ]


def has_mismatch(node: Node, topic: str) -> bool:
    """Return whether some publisher and some subscriber of a topic are incompatible."""
    return any(
        mismatch(publisher.qos_profile, subscriber.qos_profile)
        for publisher in node.get_publishers_info_by_topic(topic)
        for subscriber in node.get_subscriptions_info_by_topic(topic)
    )


def full_name(info: TopicEndpointInfo) -> str:
    """Return the full name of the node that a publisher or subscriber belongs to."""
    return f"{info.node_namespace.rstrip('/')}/{info.node_name}"
