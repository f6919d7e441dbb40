# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Collects the diagnostics of the running nodes of this package for a few seconds."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor

from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.status import ERROR, Report
from nightseg_ros.ros.callback_errors import TASK as ALWAYS_REPORTED
from nightseg_ros.ros.discovery import full_name, segmentation_nodes

if TYPE_CHECKING:
    from rclpy.node import Node

TOPIC = "/diagnostics"
SPIN_S = 0.1


@dataclass
class NodeStatus:
    """The latest reports of one node."""

    name: str
    """Its full name without the leading slash."""
    reports: dict[str, Report] = field(default_factory=dict)

    @property
    def level(self) -> int:
        """The worst of all reports."""
        return max((report.level for report in self.reports.values()), default=ERROR)


def listen(seconds: float) -> list[NodeStatus]:
    """Return the nodes in this domain, sorted by name; a node that hangs has no reports.

    Raises NightsegError where there is none.
    """
    received: dict[str, NodeStatus] = {}

    def note(message: DiagnosticArray) -> None:
        for status in message.status:
            name, _, task = status.name.partition(": ")
            values = {value.key: value.value for value in status.values}
            report = Report(task, int.from_bytes(status.level, "little"), status.message, values)
            received.setdefault(name, NodeStatus(name)).reports[task] = report

    with _node() as node:
        node.create_subscription(DiagnosticArray, TOPIC, note, 50)
        executor = SingleThreadedExecutor(context=node.context)
        executor.add_node(node)
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0.0:
            executor.spin_once(min(SPIN_S, left_s))
        ours = {name: it for name, it in received.items() if ALWAYS_REPORTED in it.reports}
        for name in (full.lstrip("/") for full in segmentation_nodes(node)):
            ours.setdefault(name, NodeStatus(name))
        if not ours:
            raise NightsegError(_none_found(node, seconds))
    return [ours[name] for name in sorted(ours)]


@contextmanager
def _node() -> Iterator[Node]:
    context = rclpy.Context()
    context.init(args=[])
    try:
        node = rclpy.create_node(f"nightseg_status_{os.getpid()}", context=context)
        try:
            yield node
        finally:
            node.destroy_node()
    finally:
        context.try_shutdown()


def _none_found(node: Node, seconds: float) -> str:
    others = sorted({full_name(info) for info in node.get_publishers_info_by_topic(TOPIC)})
    found = f"; others do: {', '.join(others)}" if others else ""
    return (
        f"no node of nightseg_ros has sent {TOPIC} for {seconds:g} s in domain "
        f"{os.environ.get('ROS_DOMAIN_ID') or '0'}{found}; start one with `nightseg run`, set "
        "ROS_DOMAIN_ID as in its shell, or listen longer with --seconds"
    )
