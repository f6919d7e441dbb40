# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A node as wrappers of YOLO are usually built.

It keeps the newest image only, best effort; the callback copies it out of the message, converts the
colours of the whole image, runs the network, and copies the mask into a new message.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from nightseg_ros.trials.rivals.rival import Rival, as_message, spin


class DetectorNode(Rival):
    """Takes mask and confidence from its network, as such libraries return results."""

    def __init__(self) -> None:
        super().__init__("detector_node")
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._mask = self.create_publisher(Image, "mask", 10)
        self.create_subscription(Image, "image", self._on_image, newest)

    def _on_image(self, message: Any) -> None:
        width, height = message.width, message.height
        rows = np.array(message.data, np.uint8).reshape(height, message.step)
        image = rows[:, : 3 * width].reshape(height, width, 3)
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        small = cv2.resize(rgb, (self.width, self.height))
        mask = self.session.run(None, {"image": small[None]})[0][0]
        self._mask.publish(as_message(message.header, mask, width, height))


if __name__ == "__main__":
    spin(DetectorNode)
