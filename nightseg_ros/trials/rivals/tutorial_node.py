# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A node as Nav2's tutorial of semantic segmentation is described.

A queue of ten images, the network inside the callback, soft-max and arg-max of its scores in numpy,
mask and confidence published for every image. What it also draws for people is left out.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from sensor_msgs.msg import Image

from nightseg_ros.trials.rivals.rival import Rival, as_message, spin

QUEUE = 10


class TutorialNode(Rival):
    """Takes scores from its network, (1, classes, height, width)."""

    def __init__(self) -> None:
        super().__init__("tutorial_node")
        self._mask = self.create_publisher(Image, "mask", QUEUE)
        self._confidence = self.create_publisher(Image, "confidence", QUEUE)
        self.create_subscription(Image, "image", self._on_image, QUEUE)

    def _on_image(self, message: Any) -> None:
        width, height = message.width, message.height
        rows = np.frombuffer(message.data, np.uint8).reshape(height, message.step)
        image = rows[:, : 3 * width].reshape(height, width, 3)
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        small = cv2.resize(rgb, (self.width, self.height))
        scores = self.session.run(None, {"image": small[None]})[0][0]
        scores = np.exp(scores - scores.max(axis=0))
        probabilities = scores / scores.sum(axis=0)
        mask = probabilities.argmax(axis=0).astype(np.uint8)
        confidence = (probabilities.max(axis=0) * 255.0).astype(np.uint8)
        self._mask.publish(as_message(message.header, mask, width, height))
        self._confidence.publish(as_message(message.header, confidence, width, height))


if __name__ == "__main__":
    spin(TutorialNode)
