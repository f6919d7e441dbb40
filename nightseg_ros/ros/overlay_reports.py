# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the overlay node reports of its inputs, and what to do where they do not arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nightseg_ros.perception.status import OK, WARN, Report, task_name
from nightseg_ros.ros.discovery import advice, segmentation_nodes

if TYPE_CHECKING:
    from rclpy.node import Node

SILENT_S = 5.0
"""Warn after this long without anything to draw."""
STARTING_S = 10.0
"""Warn after this long without a segmentation node."""


def overlay_report(
    node: Node, camera: str, *, images: tuple[str, Any], masks: str, silence_s: float | None
) -> Report:
    """Report on the inputs of one camera.

    `images` is their topic and type; `silence_s` the time since the last image that had its mask,
    None while nobody subscribes to the overlay.
    """
    task = task_name("overlay", camera)
    if silence_s is None:
        return Report(task, OK, "not subscribed: the overlay has no subscriber")
    if silence_s < SILENT_S:
        return Report(task, OK, "images and their masks arrive")
    image_topic, mask_topic = node.resolve_topic_name(images[0]), node.resolve_topic_name(masks)
    if remedy := advice(node, images[0], f"sensor_msgs/msg/{images[1].__name__}"):
        text = f"nothing arrives on {image_topic}; {remedy}"
    elif not node.count_publishers(mask_topic):
        text = f"no publisher on {mask_topic}"
    else:
        text = f"nothing with the same stamp on {image_topic} and {mask_topic}"
    return Report(task, WARN, f"no image with its mask for {silence_s:.1f} s: {text}")


def source_report(node: Node, labels_topic: str, waited_s: float) -> Report:
    """Report whether a segmentation node with the configured name exists."""
    if node.count_publishers(labels_topic):
        return Report("source", OK, f"labels are on {labels_topic}")
    text = f"no node publishes {labels_topic}"
    if waited_s < STARTING_S:
        return Report("source", OK, f"{text} yet")
    found = segmentation_nodes(node)
    remedy = f"set source to {' or '.join(found)}" if found else "start and configure that node"
    return Report("source", WARN, f"{text}: {remedy}")
