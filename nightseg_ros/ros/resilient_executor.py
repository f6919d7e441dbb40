# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The executor of the nodes: it records what a callback raises and continues."""

from __future__ import annotations

from typing import Any

from rclpy.executors import ShutdownException, SingleThreadedExecutor, TimeoutException

from nightseg_ros.ros.callback_errors import CountsErrors

MOST_FAILED_WAITS = 10
"""In a row; after that no callback can run, and the process ends."""


class ResilientExecutor(SingleThreadedExecutor):
    """Runs callbacks one by one, and continues after those that fail.

    rclpy's own executors let exceptions of callbacks leave `spin`, those of rclpy's own callbacks
    included: its time source raises for a /clock before 1970, its parameter services for an
    invalid value type. One such message ends a node.
    """

    def __init__(self) -> None:
        super().__init__()
        self._failed_waits = 0

    def spin(self) -> None:
        """Run callbacks until this executor or its context is shut down.

        rclpy's own loop does not call `spin_once` in Jazzy since 7.1.9, nor in Lyrical.
        """
        while self.context.ok() and not self._is_shutdown:
            self.spin_once()

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for one callback and run it."""
        try:
            handler, entity, node = self.wait_for_ready_callbacks(timeout_sec=timeout_sec)
        except (ShutdownException, TimeoutException):
            self._failed_waits = 0
            return
        except Exception as error:
            self._failed_waits += 1
            if not self.context.ok() or self._failed_waits > MOST_FAILED_WAITS:
                raise
            self._record("the wait for callbacks", error, None)
            return
        self._failed_waits = 0
        handler()
        raised = handler.exception()
        if raised is not None:
            _release(entity)
            self._record(_source(entity), raised, node)

    def _record(self, source: str, error: Exception, node: Any) -> None:
        if not self.context.ok():
            return  # the node is shutting down; failures are expected
        for each in self.get_nodes() if node is None else [node]:
            if not isinstance(each, CountsErrors):
                raise error
            each.callback_errors(source, error)


def _source(entity: Any) -> str:
    for name in ("topic_name", "srv_name"):
        if found := getattr(entity, name, ""):
            return f"callback of {found}"
    return f"callback of a {type(entity).__name__}"


def _release(entity: Any) -> None:
    """Unlock an entity and its callback group.

    rclpy does that itself after a callback, but not where it failed to take the message for the
    callback; then no callback of the group, that is of the node, would ever run again.
    """
    group = getattr(entity, "callback_group", None)
    if group is not None and group.has_entity(entity):
        entity._executor_event = False
        if not group.can_execute(entity):
            group.ending_execution(entity)
