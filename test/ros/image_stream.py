# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One end of a stream of 720p images, as a process of its own: `send COUNT` or `receive COUNT`."""

from __future__ import annotations

import sys
import time
from array import array

import rclpy
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

# A deep queue on both ends: frames lost here are lost by the transport, not by a slow process.
QOS = QoSProfile(
    depth=100, history=HistoryPolicy.KEEP_LAST, reliability=ReliabilityPolicy.BEST_EFFORT
)


def send(count, rate_hz=30.0):
    node = rclpy.create_node("sender")
    publisher = node.create_publisher(Image, "image", QOS)
    until = time.monotonic() + 30
    while publisher.get_subscription_count() == 0 and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1.0)  # the other end may see the match a little later
    message = Image(height=720, width=1280, step=3840, encoding="bgr8")
    message.data = array("B", bytes(3840 * 720))
    for index in range(count):
        message.header.stamp.sec = index
        publisher.publish(message)
        time.sleep(1 / rate_hz)
    time.sleep(1.0)


def receive(count):
    node = rclpy.create_node("receiver")
    seen = set()
    last = [time.monotonic() + 30]

    def store(message):
        seen.add(message.header.stamp.sec)
        last[0] = time.monotonic() + 5

    node.create_subscription(Image, "image", store, QOS)
    while len(seen) < count and time.monotonic() < last[0]:
        rclpy.spin_once(node, timeout_sec=0.1)
    print(len(seen))


if __name__ == "__main__":
    rclpy.init()
    {"send": send, "receive": receive}[sys.argv[1]](int(sys.argv[2]))
    rclpy.shutdown()
