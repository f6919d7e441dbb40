# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The overlay node on a real ROS graph: what it draws, and when it does nothing at all."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

rclpy = pytest.importorskip("rclpy", reason="needs rclpy")

from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402
from std_msgs.msg import Float32, String  # noqa: E402

from nightseg_ros.labels import CITYSCAPES19  # noqa: E402
from nightseg_ros.perception.image_messages import decode_image, fill_image  # noqa: E402
from nightseg_ros.perception.overlay import (  # noqa: E402
    blend,
    classes_in_view,
    draw_legend,
)
from nightseg_ros.ros.overlay_node import OverlayNode  # noqa: E402
from nightseg_ros.ros.overlay_settings import OverlaySettings  # noqa: E402
from nightseg_ros.ros.qos import latched, newest_only  # noqa: E402

pytestmark = pytest.mark.ros

PALETTE_BGR = np.ascontiguousarray(CITYSCAPES19.palette()[:, ::-1])


class Bench:
    """A camera, a segmentation node that is none, a viewer, and the overlay node between them."""

    def __init__(self, camera="", **parameters):
        overrides = [f"{name}:={value}" for name, value in parameters.items()]
        arguments = ["--ros-args", *(part for x in overrides for part in ("-p", x))]
        rclpy.init(args=arguments)
        self.overlay = OverlayNode()
        self.node = rclpy.create_node("bench", use_global_arguments=False)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.overlay)
        self.executor.add_node(self.node)
        base = f"{camera}/" if camera else ""
        source = f"segmentation_node/{base}"
        reliable = newest_only("reliable")
        self.image = self.node.create_publisher(Image, f"{base}image", reliable)
        self.compressed = self.node.create_publisher(
            CompressedImage, f"{base}image/compressed", reliable
        )
        self.mask = self.node.create_publisher(Image, f"{source}mask", reliable)
        self.route = self.node.create_publisher(String, f"{source}route", reliable)
        self.latency = self.node.create_publisher(
            Float32, "segmentation_node/debug/total_ms", reliable
        )
        self.labels = self.node.create_publisher(String, "segmentation_node/labels", latched())
        self.labels.publish(String(data=json.dumps(CITYSCAPES19.to_dict())))
        self.base, self.seen, self.viewers = base, {"overlay": [], "color_mask": []}, []

    def watch(self, *outputs, wait=True):
        for output in outputs:
            self.viewers.append(
                self.node.create_subscription(
                    Image,
                    f"overlay_node/{self.base}{output}",
                    self.seen[output].append,
                    newest_only("reliable"),
                )
            )
        if wait:
            assert self.until(lambda: self.mask.get_subscription_count())
            assert self.until(lambda: self.overlay.cameras[0].labels is not None)

    def until(self, condition, seconds=20.0):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return True
            self.executor.spin_once(timeout_sec=0.02)
        return False

    def settle(self, seconds=0.5):
        self.until(lambda: False, seconds)

    def send(self, pixels, mask, second, encoding="bgr8"):
        """Send an image and then its mask."""
        for publisher, content, kind in (
            (self.image, pixels, encoding),
            (self.mask, mask, "mono8"),
        ):
            message = fill_image(Image(), content, kind)
            message.header.stamp.sec, message.header.frame_id = second, "camera_optical"
            publisher.publish(message)
            self.settle(0.05)

    def close(self):
        self.executor.shutdown()
        self.overlay.destroy_node()
        self.node.destroy_node()
        rclpy.shutdown()


@pytest.fixture
def bench():
    made = []

    def make(**options):
        made.append(Bench(**options))
        return made[0]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def street():
    """Return an image and its mask; some of it has no class."""
    rng = np.random.default_rng(5)
    mask = np.repeat(np.repeat(rng.integers(0, 19, (12, 16), np.uint8), 10, 0), 10, 1)
    mask[:10] = 255
    return rng.integers(0, 256, (120, 160, 3), np.uint8), mask


def test_image_and_mask_are_blended_under_the_stamp_of_the_image(bench, street):
    ros = bench(legend=False, alpha=0.25)
    ros.watch("overlay", "color_mask")
    image, mask = street
    ros.send(image, mask, 7)
    assert ros.until(lambda: ros.seen["overlay"] and ros.seen["color_mask"])
    drawn = ros.seen["overlay"][0]
    assert (drawn.header.stamp.sec, drawn.header.frame_id) == (7, "camera_optical")
    assert drawn.encoding == "bgr8"
    expected = blend(image, mask, PALETTE_BGR, 0.25)
    np.testing.assert_array_equal(decode_image(drawn).pixels, expected)
    np.testing.assert_array_equal(expected[:10], image[:10])  # no class, no colour
    colors = ros.seen["color_mask"][0]
    assert colors.encoding == "rgb8"
    np.testing.assert_array_equal(decode_image(colors).pixels, CITYSCAPES19.palette()[mask])


def test_the_legend_tells_classes_route_and_latency(bench, street):
    ros = bench(alpha=0.5)
    ros.watch("overlay")
    ros.route.publish(String(data="night"))
    ros.latency.publish(Float32(data=81.0))
    ros.settle()
    image, mask = street
    ros.send(image, mask, 7)
    assert ros.until(lambda: ros.seen["overlay"])
    expected = blend(image, mask, PALETTE_BGR, 0.5)
    draw_legend(expected, CITYSCAPES19, classes_in_view(mask), "night", 81.0)
    np.testing.assert_array_equal(decode_image(ros.seen["overlay"][0]).pixels, expected)


def test_rgb_images_stay_rgb(bench, street):
    ros = bench(legend=False)
    ros.watch("overlay")
    image, mask = street
    ros.send(image, mask, 7, "rgb8")
    assert ros.until(lambda: ros.seen["overlay"])
    assert ros.seen["overlay"][0].encoding == "rgb8"
    expected = blend(image, mask, CITYSCAPES19.palette(), OverlaySettings().alpha)
    np.testing.assert_array_equal(decode_image(ros.seen["overlay"][0]).pixels, expected)


def test_only_masks_with_the_stamp_of_an_image_are_drawn(bench, street):
    ros = bench()
    ros.watch("overlay")
    image, mask = street
    lonely = fill_image(Image(), mask, "mono8")
    lonely.header.stamp.sec = 99
    ros.mask.publish(lonely)
    ros.settle()
    ros.send(image, mask, 7)
    assert ros.until(lambda: ros.seen["overlay"])
    assert [drawn.header.stamp.sec for drawn in ros.seen["overlay"]] == [7]


def test_masks_of_the_size_of_the_network_are_enlarged(bench, street):
    ros = bench(legend=False)
    ros.watch("overlay", "color_mask")
    image, mask = street
    small = np.ascontiguousarray(mask[5::10, 5::10])
    ros.send(image, small, 7)
    assert ros.until(lambda: ros.seen["overlay"])
    expected = blend(image, mask, PALETTE_BGR, OverlaySettings().alpha)
    np.testing.assert_array_equal(decode_image(ros.seen["overlay"][0]).pixels, expected)
    assert (ros.seen["color_mask"][0].width, ros.seen["color_mask"][0].height) == (16, 12)


def test_compressed_images_serve_as_well(bench, street):
    ros = bench(input_transport="compressed", legend=False)
    ros.watch("overlay")
    image, mask = street
    message = CompressedImage(format="bgr8; png compressed bgr8")
    message.data.frombytes(cv2.imencode(".png", image)[1].tobytes())
    message.header.stamp.sec = 7
    ros.compressed.publish(message)
    ros.settle()
    ros.send(image, mask, 7)
    assert ros.until(lambda: ros.seen["overlay"])
    expected = blend(image, mask, PALETTE_BGR, OverlaySettings().alpha)
    np.testing.assert_array_equal(decode_image(ros.seen["overlay"][0]).pixels, expected)


def test_cameras_have_topics_of_their_own(bench, street):
    ros = bench(camera="left", cameras="[front, left]", legend=False)
    ros.watch("color_mask", wait=False)
    assert ros.until(lambda: ros.mask.get_subscription_count())
    assert ros.node.count_subscribers("segmentation_node/front/mask") == 0
    assert ros.until(lambda: ros.overlay.cameras[1].labels is not None)
    ros.send(*street, 7)
    assert ros.until(lambda: ros.seen["color_mask"])


def test_nothing_is_subscribed_while_nobody_looks(bench, street):
    ros = bench()
    ros.settle(1.0)
    topics = ("image", "segmentation_node/mask", "segmentation_node/route")
    assert [ros.node.count_subscribers(topic) for topic in topics] == [0, 0, 0]
    ros.watch("overlay")
    assert [ros.node.count_subscribers(topic) for topic in topics] == [1, 1, 1]
    ros.node.destroy_subscription(ros.viewers.pop())
    assert ros.until(lambda: not any(ros.node.count_subscribers(topic) for topic in topics))
    ros.watch("color_mask")
    ros.send(*street, 8)
    assert ros.until(lambda: ros.seen["color_mask"])


def test_the_rate_is_limited(bench, street):
    ros = bench(overlay_rate_hz=0.02)  # one in fifty seconds
    ros.watch("overlay")
    for second in range(4):
        ros.send(*street, second)
    assert ros.until(lambda: ros.seen["overlay"])
    ros.settle()
    assert [drawn.header.stamp.sec for drawn in ros.seen["overlay"]] == [0]
    ros.overlay.set_parameters([Parameter("overlay_rate_hz", value=0.0)])
    ros.overlay.cameras[0]._next_s = 0.0  # the fifty seconds are over
    for second in range(4, 8):
        ros.send(*street, second)
    assert ros.until(lambda: len(ros.seen["overlay"]) == 5)


def test_bad_input_is_told_and_the_next_frame_is_drawn(bench, street):
    ros = bench(overlay_rate_hz=0.0)
    ros.watch("overlay", "color_mask")
    told = []
    ros.overlay._complain._tell = told.append
    image, mask = street
    ros.labels.publish(String(data="no labels"))
    ros.settle()
    ros.send(image, mask, 1, "rgb8")
    for second, kind in ((2, "bgr8"), (3, "mono8")):  # an image, then a mask, without data
        broken = fill_image(Image(), image if kind == "bgr8" else mask, kind)
        broken.header.stamp.sec = second
        broken.data = type(broken.data)("B")
        good = fill_image(
            Image(), mask if kind == "bgr8" else image, "mono8" if kind == "bgr8" else "bgr8"
        )
        good.header.stamp.sec = second
        first, then = (broken, good) if kind == "bgr8" else (good, broken)
        ros.image.publish(first)
        ros.settle(0.1)
        ros.mask.publish(then)
        ros.settle(0.1)
    ros.send(image, mask, 4)
    assert ros.until(lambda: len(ros.seen["overlay"]) == 2)
    assert [drawn.header.stamp.sec for drawn in ros.seen["overlay"]] == [1, 4]
    assert len(told) == 3
    assert told[0].startswith("labels: ")
    assert "the message holds 0" in told[1] or "not a row of bytes" in told[1]
    assert "no mask" in told[2] or "not a row of bytes" in told[2]


def test_parameters_are_checked_and_applied(bench, street):
    ros = bench(legend=False, overlay_rate_hz=0)
    ros.watch("overlay")
    image, mask = street
    (refused,) = ros.overlay.set_parameters([Parameter("alpha", value=1.5)])
    assert not refused.successful
    (refused,) = ros.overlay.set_parameters([Parameter("source", value="other")])
    assert not refused.successful
    (applied,) = ros.overlay.set_parameters([Parameter("alpha", value=1.0)])
    assert applied.successful
    ros.send(image, mask, 1)
    assert ros.until(lambda: ros.seen["overlay"])
    expected = blend(image, mask, PALETTE_BGR, 1.0)
    np.testing.assert_array_equal(decode_image(ros.seen["overlay"][0]).pixels, expected)


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "nightseg_ros.ros.overlay_node", "--ros-args", *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_the_executable_ends_well_when_interrupted():
    rclpy.init()
    node = rclpy.create_node("watcher")
    process = start("-r", "__node:=drawn")
    try:
        end = time.monotonic() + 30
        while not node.count_publishers("drawn/overlay") and time.monotonic() < end:
            time.sleep(0.1)
        assert node.count_publishers("drawn/overlay")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
        node.destroy_node()
        rclpy.shutdown()
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_the_executable_refuses_a_wrong_parameter_in_one_line():
    process = start("-p", "alpha:=lots")
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "alpha" in errors
    assert "Traceback" not in errors
