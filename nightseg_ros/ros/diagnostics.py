# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Publishes reports on /diagnostics at a steady rate, whatever the node and its clock do."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]

from nightseg_ros.perception.status import ERROR, OK, WARN, Report
from nightseg_ros.ros.logs import StatusLog

if TYPE_CHECKING:
    from rclpy.node import Node

_LEVELS = {OK: DiagnosticStatus.OK, WARN: DiagnosticStatus.WARN, ERROR: DiagnosticStatus.ERROR}


class Diagnostics:
    """Publishes what `collect` returns, and logs what changes in it.

    It does without diagnostic_updater, which would be one more package to install.

    The publisher is an ordinary one, not a managed one: it also reports an inactive node. The
    timer uses the steady clock, so a paused simulation does not silence it.
    """

    def __init__(
        self, node: Node, period_s: float, collect: Callable[[], Iterable[Report]]
    ) -> None:
        self._node, self._collect = node, collect
        self.hardware = platform.node()
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        logger = node.get_logger()
        self._log = StatusLog(logger.warning, logger.info)
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(period_s, self._tick, clock=clock)

    def set_period(self, period_s: float) -> None:
        """Change the period from now on."""
        period_ns = round(period_s * 1e9)
        if period_ns != self._timer.timer_period_ns:
            self._timer.timer_period_ns = period_ns
            self._timer.reset()  # else the running period, up to a minute, would end first

    def _tick(self) -> None:
        try:
            reports = list(self._collect())
        except Exception as error:  # in a timer it would end the whole node
            reports = [Report("diagnostics", ERROR, f"{type(error).__name__}: {error}")]
        self._log(reports)
        self.send(reports)

    def send(self, reports: Iterable[Report]) -> None:
        """Publish reports now; from any thread."""
        self._publisher.publish(self.message(reports))

    def message(self, reports: Iterable[Report]) -> DiagnosticArray:
        """Return reports as a message."""
        array = DiagnosticArray()
        array.header.stamp = self._node.get_clock().now().to_msg()
        name = self._node.get_fully_qualified_name().lstrip("/")
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
