# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The other end of a node under test: camera, clock, viewer and client of its services."""

from __future__ import annotations

import time
from array import array
from typing import TYPE_CHECKING, Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import ChangeState, GetState
from numpy.typing import NDArray
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image

from nightseg_ros.perception.image_messages import fill_image
from nightseg_ros.ros.qos import newest_only
from nightseg_ros.ros.segmentation_node import NAME

if TYPE_CHECKING:
    from nightseg_ros.trials.faults.witness import Witness

FRAME = (60, 80)
"""Height and width of the usual frame."""


class Observer(Node):
    """Sends frames that the witness knows, and records the diagnostics."""

    def __init__(self, witness: Witness, *, compressed: bool) -> None:
        super().__init__("fault_observer")
        self.witness = witness
        self.messages: list[str] = []
        """The messages of diagnostics that were not OK, with the name of the task."""
        self.status: dict[str, tuple[int, str, dict[str, str]]] = {}
        self.reports = 0
        self._compressed = compressed
        self._stamp_ns = time.time_ns()
        self._seed = 0
        self.camera = self.open_camera()
        self.create_subscription(Image, f"/{NAME}/mask", witness.see, QoSProfile(depth=20))
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_status, 50)
        self.clock = self.create_publisher(Clock, "/clock", 10)
        self.change: Any = self.create_client(ChangeState, f"/{NAME}/change_state")
        self.state: Any = self.create_client(GetState, f"/{NAME}/get_state")
        self.parameters: Any = self.create_client(SetParameters, f"/{NAME}/set_parameters")

    def open_camera(self, profile: QoSProfile | None = None) -> Any:
        """Return a publisher of images."""
        kind, tail = (CompressedImage, "/compressed") if self._compressed else (Image, "")
        return self.create_publisher(
            kind, f"/camera/image{tail}", profile or newest_only("reliable")
        )

    def close_camera(self) -> None:
        """Stop the camera."""
        self.destroy_publisher(self.camera)

    def frame(
        self, size: tuple[int, int] = FRAME, encoding: str = "bgr8", stamp_ns: int | None = None
    ) -> Any:
        """Return a frame of bright noise that no other frame equals, stamped later than all."""
        self._seed += 1
        pixels = np.random.default_rng(self._seed).integers(90, 256, (*size, 3), np.uint8)
        message = self._message(pixels, encoding)
        message.header.frame_id = "camera_optical"
        self.stamp(message, stamp_ns)
        return message

    def stamp(self, message: Any, stamp_ns: int | None = None) -> None:
        """Give a message a stamp, by default one that is later than all before."""
        if stamp_ns is None:
            stamp_ns = self._stamp_ns = max(time.time_ns(), self._stamp_ns + 1)
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 10**9)

    def send(self, message: Any) -> None:
        """Publish an image, good or bad, whose outcome the witness then knows."""
        self.witness.expect(message)
        self.camera.publish(message)

    def _message(self, pixels: NDArray[np.uint8], encoding: str) -> Any:
        if self._compressed:
            import cv2

            data = cv2.imencode(".png", pixels)[1].tobytes()
            return CompressedImage(format="bgr8; png compressed bgr8", data=array("B", data))
        if encoding in ("bgr8", "rgb8"):
            return fill_image(Image(), pixels, encoding)
        message = Image(encoding=encoding, height=pixels.shape[0], width=pixels.shape[1])
        channels = {"mono8": 1, "rgba8": 4, "bgra8": 4, "yuv422_yuy2": 2, "bayer_rggb8": 1}
        message.step = pixels.shape[1] * channels[encoding]
        size = message.step * message.height
        message.data = array("B", np.resize(pixels, size).tobytes())
        return message

    def _on_status(self, message: DiagnosticArray) -> None:
        for status in message.status:
            node, _, task = status.name.partition(": ")
            if node != NAME:
                continue
            level = int.from_bytes(status.level, "little")
            values = {value.key: value.value for value in status.values}
            self.status[task] = level, status.message, values
            self.reports += task == "lifecycle"
            text = f"{task}: {status.message}"
            if level and text not in self.messages[-50:]:
                self.messages.append(text)

    def counted(self, key: str) -> int:
        """Return a figure of the node's latest account of frames."""
        return int(self.status.get("input", (0, "", {}))[2].get(key, 0))
