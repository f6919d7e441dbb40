# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A real ROS graph in this process: the segmentation node, and a peer that is camera and viewer."""

from __future__ import annotations

import time
from array import array

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image
from support.patience import PATIENCE_S

from nightseg_ros.engines.fake import FakeEngine
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.ros.process import autostart
from nightseg_ros.ros.qos import newest_only
from nightseg_ros.ros.segmentation_node import SegmentationNode

NAME = "segmentation_node"
RELIABLE = newest_only("reliable")


def image(pixels, stamp_s=1.0, encoding="bgr8", frame_id="camera_optical"):
    """Return an Image message of uint8 pixels."""
    height, width = pixels.shape[:2]
    message = Image(height=height, width=width, encoding=encoding)
    message.step = pixels.size // height
    message.data = array("B", np.ascontiguousarray(pixels).tobytes())
    stamp(message, stamp_s)
    message.header.frame_id = frame_id
    return message


def stamp(message, seconds):
    message.header.stamp.sec, fraction = int(seconds), seconds % 1
    message.header.stamp.nanosec = round(fraction * 1e9)


def picture(height=48, width=64, seed=0, level=256):
    """Return random (H, W, 3) pixels; a small `level` makes them dark."""
    return np.random.default_rng(seed).integers(0, level, (height, width, 3), np.uint8)


def pixels_of(message):
    """Return the pixels of a published image, checked for padding."""
    channels = message.step // message.width
    pixels = np.frombuffer(message.data, np.uint8)
    assert pixels.size == message.height * message.step
    shape = (message.height, message.width, channels) if channels > 1 else None
    return pixels.reshape(shape or (message.height, message.width))


def expected(pixels, order="bgr", size=(48, 64)):
    """Return mask and confidence from a pipeline outside ROS, with the same fake engines."""
    engines = {"day": FakeEngine(size), "night": FakeEngine(size)}
    result = Pipeline(engines).process(pixels, order, want_confidence=True)
    return result.mask, result.confidence


class Graph:
    """The node under test and its peer on one executor that the test turns."""

    def __init__(self, up=True, namespace="", remap=(), **parameters):
        arguments = ["--ros-args", "-p", "diagnostics.period_s:=0.1"]
        for name, value in parameters.items():
            arguments += ["-p", f"{name}:={value}"]
        for rule in remap:
            arguments += ["-r", rule]
        if namespace:
            arguments += ["-r", f"__ns:={namespace}"]
        rclpy.init(args=arguments)
        self.node = self.peer = None
        self.executor = SingleThreadedExecutor()
        self.statuses = {}
        try:
            self.node = SegmentationNode()
            self.peer = rclpy.create_node("peer", use_global_arguments=False)
            for node in (self.node, self.peer):
                self.executor.add_node(node)
            self.peer.create_subscription(DiagnosticArray, "/diagnostics", self._on_status, 10)
            if up:
                autostart(self.node)
        except BaseException:
            self.close()
            raise

    @property
    def session(self):
        return self.node.session

    @property
    def engines(self):
        return self.session.models.pipeline.engines

    def camera(self, topic="image", kind=Image, profile=RELIABLE):
        """Return a publisher."""
        return self.peer.create_publisher(kind, topic, profile)

    def watch(self, output="mask", kind=Image, profile=RELIABLE, name=NAME):
        """Return a list that fills with what comes on an output."""
        seen = []
        self.peer.create_subscription(kind, f"{name}/{output}", seen.append, profile)
        return seen

    def connected(self, *publishers):
        """Wait until the node listens to the publishers, and they see that."""
        assert self.until(lambda: all(x.get_subscription_count() for x in publishers))

    def until(self, condition, seconds=PATIENCE_S):
        """Turn the executor until something is true; False where it never was."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return True
            self.executor.spin_once(timeout_sec=0.02)
        return bool(condition())

    def got(self, seen, count=1):
        """Wait until a list holds so many."""
        return self.until(lambda: len(seen) >= count)

    def settle(self, seconds=0.3):
        """Turn the executor for a while."""
        self.until(lambda: False, seconds)

    def counts(self, camera=""):
        return self.session.mailbox.counts(camera)

    def done(self, received, camera=""):
        """Wait until as many frames were received and none is in flight."""

        def idle():
            counts = self.counts(camera)
            return counts.received >= received and counts.in_flight == 0

        assert self.until(idle), self.counts(camera)
        counts = self.counts(camera)
        assert counts.received == received
        assert received == counts.published + counts.dropped + counts.rejected
        return counts

    def status(self, task):
        """Return level, message and values of a diagnostic task, newer than this call.

        Newer also than the frames in flight: a mask goes out before its route is recorded. The
        first status to arrive may have been on its way already, so the second counts.
        """
        self.until(lambda: not self._frames_in_flight(), 1.0)
        for _ in range(2):
            self.statuses.clear()
            self.until(lambda: task in self.statuses)
        return self.statuses[task]

    def _frames_in_flight(self):
        if self.session is None:
            return 0
        return sum(self.counts(camera).in_flight for camera in self.session.inputs)

    def close(self):
        self.executor.shutdown()
        for node in (self.node, self.peer):
            if node is not None:
                node.destroy_node()
        rclpy.try_shutdown()

    def _on_status(self, message):
        for status in message.status:
            task = status.name.removeprefix(f"{NAME}: ")
            values = {value.key: value.value for value in status.values}
            self.statuses[task] = (int.from_bytes(status.level, "little"), status.message, values)
