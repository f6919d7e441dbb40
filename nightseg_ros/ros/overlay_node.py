# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The overlay node: draws masks in colour over their images, only while it has subscribers.

It is a separate process with best-effort inputs, so it can never delay the segmentation node.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from rclpy.node import Node
from std_msgs.msg import String

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import LabelSet
from nightseg_ros.ros.callback_errors import CallbackErrors
from nightseg_ros.ros.camera_overlay import CameraOverlay
from nightseg_ros.ros.diagnostics import Diagnostics
from nightseg_ros.ros.discovery import LABELS
from nightseg_ros.ros.logs import ThrottledLog
from nightseg_ros.ros.overlay_reports import source_report
from nightseg_ros.ros.overlay_settings import OverlaySettings
from nightseg_ros.ros.parameters import Parameters
from nightseg_ros.ros.process import run_node
from nightseg_ros.ros.qos import create_subscription, latched

if TYPE_CHECKING:
    from nightseg_ros.perception.status import Report

NAME = "overlay_node"
POLL_S = 0.2
"""How often the node checks for subscribers."""
DIAGNOSTICS_S = 1.0


class OverlayNode(Node):
    """Draws the masks of a segmentation node, for all its cameras."""

    def __init__(self, name: str = NAME) -> None:
        super().__init__(name)
        try:
            parameters = Parameters(
                self,
                lambda _: None,
                lambda _: None,
                OverlaySettings,
                lambda: "read at the start only: restart the node with it",
            )
        except NightsegError:
            self.destroy_node()
            raise
        self.parameters = parameters
        settings = parameters.settings
        self._log_error = ThrottledLog(self.get_logger().error)
        self.callback_errors = CallbackErrors(self.get_logger().error)
        self._started_s = time.monotonic()
        self.cameras = [
            CameraOverlay(self, camera, lambda: parameters.settings, self._log_error)
            for camera in settings.camera_names
        ]
        # Latched and tiny: always subscribed, so that the first overlay does not wait for it.
        self._labels_topic = self.resolve_topic_name(f"{settings.source}{LABELS}")
        create_subscription(
            self, String, self._labels_topic, self._on_labels, latched(), self._log_error
        )
        self._diagnostics = Diagnostics(self, DIAGNOSTICS_S, self._reports)
        self.create_timer(
            POLL_S, self._update_subscriptions, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def _update_subscriptions(self) -> None:
        for camera in self.cameras:
            camera.update_subscriptions()

    def _reports(self) -> list[Report]:
        waited_s = time.monotonic() - self._started_s
        return [
            self.callback_errors.report(),
            source_report(self, self._labels_topic, waited_s),
            *(camera.report() for camera in self.cameras),
        ]

    def _on_labels(self, message: String) -> None:
        try:
            labels = LabelSet.from_dict(json.loads(message.data))
        except (ValueError, TypeError, NightsegError) as error:
            self._log_error("labels", str(error))
            return
        for camera in self.cameras:
            camera.labels = labels


def main(argv: Sequence[str] | None = None) -> int:
    """Run the node; the exit code of the executable."""
    return run_node(OverlayNode, argv, description="Draw masks over the images of cameras.")
