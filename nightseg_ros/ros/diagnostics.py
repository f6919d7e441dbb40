# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sends reports on /diagnostics at a steady pace, whatever the node and its clock are doing."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from rclpy.node import Node

from nightseg_ros.ros.reports import ERROR, OK, WARN, Report

_LEVELS = {
    OK: DiagnosticStatus.OK,
    WARN: DiagnosticStatus.WARN,
    ERROR: DiagnosticStatus.ERROR,
}


class Diagnostics:
    """Publishes what `collect` returns; diagnostic_updater would be one more package to install.

    An ordinary publisher, not a managed one: that a node is inactive is news too. The timer goes
    by the steady clock, so a paused simulation does not silence it.
    """

    def __init__(
        self, node: Node, period_s: float, collect: Callable[[], Iterable[Report]]
    ) -> None:
        self._node, self._collect = node, collect
        self.hardware = platform.node()
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(period_s, self._tick, clock=clock)

    def _tick(self) -> None:
        try:
            reports = list(self._collect())
        except Exception as error:  # in a timer it would end the whole node
            reports = [Report("diagnostics", ERROR, f"{type(error).__name__}: {error}")]
        self.send(reports)

    def send(self, reports: Iterable[Report]) -> None:
        """Publish reports now; from any thread."""
        self._publisher.publish(self.message(reports))

    def message(self, reports: Iterable[Report]) -> DiagnosticArray:
        """Return reports as a message."""
        array = DiagnosticArray()
        array.header.stamp = self._node.get_clock().now().to_msg()
        name = self._node.get_name()
        array.status = [
            DiagnosticStatus(
                level=_LEVELS[report.level],
                name=f"{name}: {report.name}",
                message=report.message,
                hardware_id=self.hardware,
                values=[KeyValue(key=key, value=value) for key, value in report.values.items()],
            )
            for report in reports
        ]
        return array
