# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Consumers that know nothing of this node, played by their own rules, written down at each."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from support.segmentation_graph import NAME, expected, image, picture, pixels_of, stamp

from nightseg_ros.ros.publishers import OUTPUTS

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("messages")]

IMAGES = ("mask", "confidence", "color_mask")


def offers(graph, topic):
    """Return the QoS that the publishers of a topic offer, as the graph reports it."""
    assert graph.until(lambda: graph.peer.get_publishers_info_by_topic(topic))
    return [info.qos_profile for info in graph.peer.get_publishers_info_by_topic(topic)]


def adapted(found, depth):
    """Return what rosbag2 and foxglove_bridge ask for: what all publishers offer."""
    reliable = all(x.reliability == ReliabilityPolicy.RELIABLE for x in found)
    latched = all(x.durability == DurabilityPolicy.TRANSIENT_LOCAL for x in found)
    return QoSProfile(
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


def bytes_of(graph, topic, kind, profile):
    """Subscribe as a generic subscription does, which leaves messages serialized."""
    seen = []
    graph.peer.create_subscription(kind, topic, seen.append, profile, raw=True)
    return seen


def test_message_filters_time_synchronizer(start):
    """Equal stamps belong together, sec and nanosec; of each topic it keeps a queue of ten."""
    graph = start()
    camera, info = graph.camera(), graph.camera("camera_info", CameraInfo)
    queues = {
        name: graph.watch(name, OUTPUTS[name]) for name in ("mask", "confidence", "camera_info")
    }
    graph.connected(camera, info)
    assert graph.until(lambda: len(graph.session.outputs[""].watched()) == len(queues))
    sent = [1.1, 1.2000001, 1.3]
    for count, seconds in enumerate(sent, 1):
        calibration = CameraInfo(width=64, height=48)
        stamp(calibration, seconds)
        info.publish(calibration)
        graph.settle(0.1)
        camera.publish(image(picture(), seconds))
        assert all(graph.got(seen, count) for seen in queues.values())
    stamps = [[(m.header.stamp.sec, m.header.stamp.nanosec) for m in x] for x in queues.values()]
    assert stamps[0] == stamps[1] == stamps[2] == [(1, round(s % 1 * 1e9)) for s in sent]


def test_image_transport_compressed(start):
    """The transport `compressed` of BASE is BASE/compressed; its `format` starts with the encoding.

    A subscriber decodes unchanged, and makes an Image of that encoding; the codec stands behind
    the semicolon. A mask in JPEG would be another mask.
    """
    graph = start()
    camera = graph.camera()
    raw, packed = graph.watch("mask"), graph.watch("mask/compressed", CompressedImage)
    graph.connected(camera)
    camera.publish(image(picture()))
    assert graph.until(lambda: raw and packed)
    encoding, codec = (part.strip() for part in packed[0].format.split(";"))
    assert (encoding, codec.split()[0]) == ("mono8", "png")
    pixels = cv2.imdecode(np.frombuffer(packed[0].data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(pixels, pixels_of(raw[0]))
    assert packed[0].header == raw[0].header


def test_image_consumers_find_every_row(start):
    """image_transport, cv_bridge and RViz take `step` bytes a row, `height` rows, no more."""
    graph = start()
    camera = graph.camera()
    seen = {name: graph.watch(name) for name in IMAGES}
    graph.connected(camera)
    assert graph.until(lambda: len(graph.session.outputs[""].watched()) == len(IMAGES))
    camera.publish(image(picture(37, 53)))
    assert graph.until(lambda: all(seen.values()))
    for name, (message,) in seen.items():
        channels = 3 if message.encoding == "rgb8" else 1
        assert message.step == 53 * channels, name
        assert len(message.data) == 37 * message.step, name
        assert message.is_bigendian == 0


@pytest.mark.parametrize("late", [False, True])
def test_foxglove_bridge(start, late):
    """It asks for what all publishers offer, and sends serialized bytes on.

    A latched topic must reach a viewer that connects later.
    """
    from vision_msgs.msg import LabelInfo

    graph = start()
    if late:
        graph.settle(0.5)
    found = offers(graph, f"/{NAME}/label_info")
    profile = adapted(found, 10)
    assert profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    labels = bytes_of(graph, f"/{NAME}/label_info", LabelInfo, profile)
    assert graph.got(labels)
    assert len(deserialize_message(labels[0], LabelInfo).class_map) == 20
    camera = graph.camera()
    found = offers(graph, f"/{NAME}/mask")
    masks = bytes_of(graph, f"/{NAME}/mask", Image, adapted(found, 10))
    graph.connected(camera)
    pixels = picture()
    camera.publish(image(pixels))
    assert graph.got(masks)
    mask = deserialize_message(masks[0], Image)
    np.testing.assert_array_equal(pixels_of(mask), expected(pixels)[0])


@pytest.mark.parametrize("reliability", ["reliable", "best_effort"])
def test_rosbag2_recorder(start, reliability):
    """It asks for what all publishers offer, and writes down serialized bytes and the type name.

    A reader of another make must understand the bytes.
    """
    rosbags = pytest.importorskip("rosbags.typesys", reason="needs rosbags")
    from vision_msgs.msg import LabelInfo

    store = rosbags.get_typestore(rosbags.Stores.ROS2_JAZZY)
    from support.message_package import TEXTS

    types = {}
    for name, text in TEXTS["vision_msgs"].items():
        types |= rosbags.get_types_from_msg(text, f"vision_msgs/msg/{name}")
    store.register(types)
    graph = start(output_reliability=reliability)
    kinds = {f"/{NAME}/{name}": kind for name, kind in OUTPUTS.items() if kind is not PointCloud2}
    del kinds[f"/{NAME}/camera_info"]  # without a calibration there is none
    kinds[f"/{NAME}/label_info"] = LabelInfo
    taken = {}
    for topic, kind in kinds.items():
        found = offers(graph, topic)
        assert len(found) == 1
        taken[topic] = bytes_of(graph, topic, kind, adapted(found, 10))
    names = dict(graph.peer.get_topic_names_and_types())
    camera = graph.camera()
    graph.connected(camera)
    assert graph.until(lambda: len(graph.session.outputs[""].watched()) == len(kinds) - 1)
    pixels = picture()
    camera.publish(image(pixels, 2.5))
    assert graph.until(lambda: all(taken.values()))
    read = {topic: store.deserialize_cdr(x[0], names[topic][0]) for topic, x in taken.items()}
    mask = read[f"/{NAME}/mask"]
    np.testing.assert_array_equal(mask.data.reshape(48, 64), expected(pixels)[0])
    assert (mask.header.stamp.sec, mask.header.stamp.nanosec) == (2, 500_000_000)
    assert [x.class_id for x in read[f"/{NAME}/label_info"].class_map][-1] == 255
    assert read[f"/{NAME}/route"].data == "day"
