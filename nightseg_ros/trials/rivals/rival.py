# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What both rivals do alike: start, load the network, and publish a map with the image's header."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import onnxruntime as ort
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from sensor_msgs.msg import Image

from nightseg_ros.ros.executables import unblock_signals

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Rival(Node):
    """A node with one network, in ONNX Runtime on the CPU, as ours has it in the comparison."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        options = ort.SessionOptions()
        options.intra_op_num_threads = int(self.declare_parameter("threads", 0).value)
        model = str(self.declare_parameter("model", "").value)
        self.session: Any = ort.InferenceSession(model, options, ["CPUExecutionProvider"])
        _, self.height, self.width, _ = self.session.get_inputs()[0].shape


def as_message(header: Any, values: NDArray[np.uint8], width: int, height: int) -> Image:
    """Return a map at the size of its image."""
    full = cv2.resize(values, (width, height), interpolation=cv2.INTER_NEAREST)
    message = Image(header=header, height=height, width=width, encoding="mono8", step=width)
    message.data = full.tobytes()
    return message


def spin(make: Callable[[], Node]) -> None:
    """Run a node until Ctrl-C, its callbacks one after the other."""
    rclpy.init()
    unblock_signals()
    try:
        rclpy.spin(make())
    except (KeyboardInterrupt, ExternalShutdownException):
        rclpy.try_shutdown()
