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
from support.patience import PATIENCE_S

rclpy = pytest.importorskip("rclpy", reason="needs rclpy")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402
from std_msgs.msg import Float32, String  # noqa: E402

from nightseg_ros.labels.label_set import CITYSCAPES19  # noqa: E402
from nightseg_ros.perception.image_messages import decode_image, fill_image  # noqa: E402
from nightseg_ros.perception.overlay import (  # noqa: E402
    INK,
    UNSEEN,
    blend,
    classes_in_view,
    draw_legend,
    hatch,
    unsure,
)
from nightseg_ros.ros import overlay_reports  # noqa: E402
from nightseg_ros.ros.overlay_node import OverlayNode  # noqa: E402
from nightseg_ros.ros.overlay_settings import OverlaySettings  # noqa: E402
from nightseg_ros.ros.qos import latched, newest_only  # noqa: E402

pytestmark = pytest.mark.ros

PALETTE_BGR = np.ascontiguousarray(CITYSCAPES19.palette()[:, ::-1])

EXECUTABLE = (sys.executable, "-m", "nightseg_ros.ros.executables", "overlay_node")


class Rig:
    """A camera, a segmentation node that is none, a viewer, and the overlay node between them."""

    def __init__(self, camera="", hatch_below=0.0, **parameters):
        parameters["hatch_below"] = hatch_below
        overrides = [f"{name}:={value}" for name, value in parameters.items()]
        arguments = ["--ros-args", *(part for x in overrides for part in ("-p", x))]
        rclpy.init(args=arguments)
        self.overlay = OverlayNode()
        self.node = rclpy.create_node("rig", use_global_arguments=False)
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
        self.latency = self.node.create_publisher(Float32, f"{source}debug/total_ms", reliable)
        self.confidence = self.node.create_publisher(Image, f"{source}confidence", reliable)
        self.invalid = self.node.create_publisher(Image, f"{source}invalid_mask", reliable)
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

    def until(self, condition, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return True
            self.executor.spin_once(timeout_sec=0.02)
        return False

    def settle(self, seconds=0.5):
        self.until(lambda: False, seconds)

    def send(self, pixels, mask, second, encoding="bgr8", confidence=None):
        """Send an image and then its mask, and its confidence if there is one."""
        parts = [(self.image, pixels, encoding), (self.mask, mask, "mono8")]
        if confidence is not None:
            parts.append((self.confidence, confidence, "mono8"))
        for publisher, content, kind in parts:
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
def rig():
    made = []

    def make(**options):
        made.append(Rig(**options))
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


def test_image_and_mask_are_blended_under_the_stamp_of_the_image(rig, street):
    ros = rig(legend=False, alpha=0.25)
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


def test_the_legend_reports_classes_route_and_latency(rig, street):
    ros = rig(alpha=0.5)
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


def test_what_is_unsure_or_hidden_is_hatched(rig, street):
    ros = rig(hatch_below=0.6)
    ros.watch("overlay")
    image, mask = street
    confidence = np.full_like(mask, 200)
    confidence[:, :40] = 100
    hidden = np.zeros_like(mask)
    hidden[60:, 100:] = 255
    message = fill_image(Image(), hidden, "mono8")
    ros.invalid.publish(message)
    ros.settle()
    ros.send(image, mask, 7, confidence=confidence)
    assert ros.until(lambda: ros.seen["overlay"])
    expected = blend(image, mask, PALETTE_BGR, OverlaySettings().alpha)
    where = unsure(mask, confidence, 0.6)
    np.testing.assert_array_equal(where > 0, (confidence == 100) & (mask != 255))
    hatch(expected, where, INK)
    hatch(expected, hidden, UNSEEN, rising=False)
    seen = classes_in_view(mask)
    draw_legend(expected, CITYSCAPES19, seen, "", None, "unsure 23 %", "hidden 19 %")
    np.testing.assert_array_equal(decode_image(ros.seen["overlay"][0]).pixels, expected)


def test_a_mask_waits_for_its_confidence_only_while_that_is_drawn(rig, street):
    ros = rig(hatch_below=0.6, legend=False)
    ros.watch("overlay")
    image, mask = street
    ros.send(image, mask, 7)
    ros.settle()
    assert not ros.seen["overlay"]
    ros.overlay.set_parameters([Parameter("hatch_below", value=0.0)])
    assert ros.until(lambda: not ros.confidence.get_subscription_count())
    assert ros.until(lambda: ros.mask.get_subscription_count())
    ros.send(image, mask, 8)
    assert ros.until(lambda: ros.seen["overlay"])
    assert ros.seen["overlay"][0].header.stamp.sec == 8


def test_rgb_images_stay_rgb(rig, street):
    ros = rig(legend=False)
    ros.watch("overlay")
    image, mask = street
    ros.send(image, mask, 7, "rgb8")
    assert ros.until(lambda: ros.seen["overlay"])
    assert ros.seen["overlay"][0].encoding == "rgb8"
    expected = blend(image, mask, CITYSCAPES19.palette(), OverlaySettings().alpha)
    np.testing.assert_array_equal(decode_image(ros.seen["overlay"][0]).pixels, expected)


def test_only_masks_with_the_stamp_of_an_image_are_drawn(rig, street):
    ros = rig()
    ros.watch("overlay")
    image, mask = street
    lonely = fill_image(Image(), mask, "mono8")
    lonely.header.stamp.sec = 99
    ros.mask.publish(lonely)
    ros.settle()
    ros.send(image, mask, 7)
    assert ros.until(lambda: ros.seen["overlay"])
    assert [drawn.header.stamp.sec for drawn in ros.seen["overlay"]] == [7]


def test_masks_of_the_size_of_the_network_are_enlarged(rig, street):
    ros = rig(legend=False)
    ros.watch("overlay", "color_mask")
    image, mask = street
    small = np.ascontiguousarray(mask[5::10, 5::10])
    ros.send(image, small, 7)
    assert ros.until(lambda: ros.seen["overlay"])
    expected = blend(image, mask, PALETTE_BGR, OverlaySettings().alpha)
    np.testing.assert_array_equal(decode_image(ros.seen["overlay"][0]).pixels, expected)
    assert (ros.seen["color_mask"][0].width, ros.seen["color_mask"][0].height) == (16, 12)


def test_compressed_images_serve_as_well(rig, street):
    ros = rig(input_transport="compressed", legend=False)
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


def test_cameras_have_topics_of_their_own(rig, street):
    ros = rig(camera="left", cameras="[front, left]", legend=False)
    ros.watch("color_mask", wait=False)
    assert ros.until(lambda: ros.mask.get_subscription_count())
    assert ros.node.count_subscribers("segmentation_node/front/mask") == 0
    assert ros.until(lambda: ros.overlay.cameras[1].labels is not None)
    ros.send(*street, 7)
    assert ros.until(lambda: ros.seen["color_mask"])


def test_the_latency_is_that_of_the_camera_and_of_no_other(rig, street):
    ros = rig(camera="left", cameras="[front, left]", alpha=0.5)
    other = ros.node.create_publisher(
        Float32, "segmentation_node/front/debug/total_ms", newest_only("reliable")
    )
    front = ros.node.create_subscription(
        Image, "overlay_node/front/overlay", lambda _: None, newest_only("reliable")
    )
    ros.viewers.append(front)
    ros.watch("overlay")
    assert ros.until(other.get_subscription_count)
    assert ros.until(ros.latency.get_subscription_count)
    ros.latency.publish(Float32(data=81.0))
    ros.settle()
    other.publish(Float32(data=7.0))
    ros.settle()
    image, mask = street
    assert ros.until(lambda: ros.overlay.cameras[1].labels is not None)
    ros.send(image, mask, 7)
    assert ros.until(lambda: ros.seen["overlay"])
    expected = blend(image, mask, PALETTE_BGR, 0.5)
    draw_legend(expected, CITYSCAPES19, classes_in_view(mask), "", 81.0)
    np.testing.assert_array_equal(decode_image(ros.seen["overlay"][0]).pixels, expected)


def test_nothing_is_subscribed_while_nobody_looks(rig, street):
    ros = rig()
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


def test_the_rate_is_limited(rig, street):
    ros = rig(overlay_rate_hz=0.02)  # one in fifty seconds
    ros.watch("overlay")
    for second in range(4):
        ros.send(*street, second)
    assert ros.until(lambda: ros.seen["overlay"])
    ros.settle()
    assert [drawn.header.stamp.sec for drawn in ros.seen["overlay"]] == [0]
    ros.overlay.set_parameters([Parameter("overlay_rate_hz", value=0.0)])
    for second in range(4, 8):
        ros.send(*street, second)
    assert ros.until(lambda: len(ros.seen["overlay"]) == 5)


def test_bad_input_is_reported_and_the_next_frame_is_drawn(rig, street):
    ros = rig(overlay_rate_hz=0.0)
    ros.watch("overlay", "color_mask")
    logged = []
    ros.overlay._log_error._log = logged.append
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
    assert len(logged) == 3
    assert logged[0].startswith("labels: ")
    assert "the message holds 0" in logged[1] or "not a row of bytes" in logged[1]
    assert "not a mask" in logged[2] or "not a row of bytes" in logged[2]


def test_parameters_are_checked_and_applied(rig, street):
    ros = rig(legend=False, overlay_rate_hz=0)
    ros.watch("overlay")
    image, mask = street
    (refused,) = ros.overlay.set_parameters([Parameter("alpha", value=1.5)])
    assert not refused.successful
    (refused,) = ros.overlay.set_parameters([Parameter("source", value="other")])
    assert refused.reason == "source: read at the start only: restart the node with it"
    (same,) = ros.overlay.set_parameters([Parameter("source", value="segmentation_node")])
    assert same.successful
    (applied,) = ros.overlay.set_parameters([Parameter("alpha", value=1.0)])
    assert applied.successful
    ros.send(image, mask, 1)
    assert ros.until(lambda: ros.seen["overlay"])
    expected = blend(image, mask, PALETTE_BGR, 1.0)
    np.testing.assert_array_equal(decode_image(ros.seen["overlay"][0]).pixels, expected)


def test_topic_that_cannot_be_opened_is_reported_and_leaves_nothing_behind(rig, capfd):
    name = "qos_overrides./image.subscription.reliability"
    ros = rig(**{name: "sometimes"})
    before = len(list(ros.overlay.subscriptions))
    ros.watch("overlay", wait=False)
    ros.settle(1.0)
    assert len(list(ros.overlay.subscriptions)) == before
    assert capfd.readouterr().err.count("camera: topic /image cannot be opened") == 1


def statuses(ros):
    """Return task -> (level, message) of the overlay node, as they come."""
    found = {}

    def note(message):
        for status in message.status:
            level = int.from_bytes(status.level, "little")
            found[status.name.removeprefix("overlay_node: ")] = (level, status.message)

    ros.node.create_subscription(DiagnosticArray, "/diagnostics", note, 10)
    return found


def test_wrong_source_is_reported_with_the_right_one(rig, capfd, monkeypatch):
    monkeypatch.setattr(overlay_reports, "STARTING_S", 0.0)
    ros = rig(source="segmentation")
    other = rclpy.create_node("segmentation_node", use_global_arguments=False)
    try:
        other.create_publisher(String, "segmentation_node/labels", latched())
        found = statuses(ros)
        words = "no node publishes /segmentation/labels: set source to /segmentation_node"
        assert ros.until(lambda: found.get("source") == (1, words))
        ros.settle()
        assert capfd.readouterr().err.count(f"source: {words}") == 1
        right = ros.node.create_publisher(String, "segmentation/labels", latched())
        assert ros.until(lambda: found["source"] == (0, "labels are on /segmentation/labels"))
        assert ros.until(
            lambda: "[INFO]" in (log := capfd.readouterr().err) and "labels are" in log
        )
        ros.node.destroy_publisher(right)
    finally:
        other.destroy_node()


def test_what_keeps_the_overlay_empty_is_reported(rig, street, monkeypatch):
    monkeypatch.setattr(overlay_reports, "SILENT_S", 1.0)
    ros = rig()
    found = statuses(ros)
    idle = (0, "not subscribed: the overlay has no subscriber")
    assert ros.until(lambda: found.get("overlay") == idle)
    ros.watch("overlay")
    missing = "nothing with the same stamp on /image and /segmentation_node/mask"
    assert ros.until(lambda: missing in found["overlay"][1])
    ros.send(*street, 7)
    assert ros.until(lambda: found["overlay"] == (0, "images and their masks arrive"))
    ros.node.destroy_publisher(ros.mask)
    assert ros.until(lambda: "no publisher on /segmentation_node/mask" in found["overlay"][1])
    ros.node.destroy_publisher(ros.image)
    words = "nothing arrives on /image; /image/compressed has a publisher: set input_transport"
    assert ros.until(lambda: words in found["overlay"][1])
    assert found["overlay"][0] == 1


def start(*arguments):
    return subprocess.Popen(
        [*EXECUTABLE, "--ros-args", *arguments],
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
        end = time.monotonic() + PATIENCE_S
        while not node.count_publishers("drawn/overlay") and time.monotonic() < end:
            time.sleep(0.1)
        assert node.count_publishers("drawn/overlay")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
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
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert "alpha" in errors
    assert "Traceback" not in errors
