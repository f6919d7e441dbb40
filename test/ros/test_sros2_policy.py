# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The example policy allows what the nodes do on a real graph, and nothing else."""

from __future__ import annotations

import os
import time
from xml.etree import ElementTree as Xml

import pytest
from support.patience import PATIENCE_S

rclpy = pytest.importorskip("rclpy", reason="needs rclpy")

from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from sensor_msgs.msg import CameraInfo, Image  # noqa: E402

from nightseg_ros.ros.overlay_node import OverlayNode  # noqa: E402

pytestmark = pytest.mark.ros

OPTIONAL = {
    "/image/compressed",  # instead of /image
    "/clock",  # with use_sim_time
    "/tf",  # while ~/points has a subscriber, where tf2_msgs is installed
    "/tf_static",
    "/segmentation_node/label_info",  # where vision_msgs is installed
    "get_type_description",  # from Jazzy on
}


@pytest.fixture(scope="module")
def policy(repository):
    """Return node -> "subscribe", "publish" or "reply" -> names."""
    root = Xml.parse(repository / "config" / "sros2" / "nightseg.policy.xml").getroot()
    assert (root.tag, root.get("version")) == ("policy", "0.2.0")
    found = {}
    for enclave in root.iterfind("./enclaves/enclave"):
        (profile,) = enclave.iterfind("./profiles/profile")
        assert enclave.get("path") == f"/nightseg/{profile.get('node')}"
        rules = {"subscribe": set(), "publish": set(), "reply": set()}
        for rule in profile:
            ((what, permission),) = rule.attrib.items()
            assert permission == "ALLOW"
            names = [entry.text for entry in rule]
            assert len(names) == len(set(names))
            rules[what] |= set(names)
        found[profile.get("node")] = rules
    return found


def real(node, name):
    """Return the same of a node, as the graph reports it."""
    found = {
        "subscribe": node.get_subscriber_names_and_types_by_node(name, "/"),
        "publish": node.get_publisher_names_and_types_by_node(name, "/"),
        "reply": node.get_service_names_and_types_by_node(name, "/"),
    }
    return {what: {entry[0] for entry in entries} for what, entries in found.items()}


def check(policy, found):
    for what, names in found.items():
        assert names <= policy[what], what
        unused = {name for name in policy[what] - names if name.split("/")[-1] not in OPTIONAL}
        assert unused <= OPTIONAL, what


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Use another domain: a node of the same name that a test has killed stays in the graph."""
    monkeypatch.setenv("ROS_DOMAIN_ID", str(1 + (int(os.environ["ROS_DOMAIN_ID"]) + 49) % 100))


def test_segmentation_node(start, policy):
    graph = start(lazy=False)
    graph.camera()
    graph.watch("camera_info", CameraInfo)  # for which it listens to that of the camera
    assert graph.until(lambda: "/camera_info" in real(graph.peer, "segmentation_node")["subscribe"])
    check(policy["segmentation_node"], real(graph.peer, "segmentation_node"))


def test_overlay_node(policy):
    rclpy.init(args=[])
    executor = SingleThreadedExecutor()
    overlay, peer = OverlayNode(), rclpy.create_node("peer")
    try:
        executor.add_node(overlay)
        executor.add_node(peer)
        peer.create_subscription(Image, "/overlay_node/overlay", lambda _: None, 1)
        end_s = time.monotonic() + PATIENCE_S
        while "/image" not in real(peer, "overlay_node")["subscribe"]:
            assert time.monotonic() < end_s
            executor.spin_once(timeout_sec=0.05)
        check(policy["overlay_node"], real(peer, "overlay_node"))
    finally:
        executor.shutdown()
        overlay.destroy_node()
        peer.destroy_node()
        rclpy.try_shutdown()


def test_the_two_share_what_they_report_to_each_other(policy):
    """What the overlay node listens to is published by its neighbour, or by the camera."""
    heard = policy["overlay_node"]["subscribe"] - {"/clock", "/image", "/image/compressed"}
    assert heard <= policy["segmentation_node"]["publish"]
