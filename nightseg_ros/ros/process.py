# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs one node as one process: start it, spin it, exit with code 0 after a stop signal."""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import rclpy
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from rclpy.exceptions import NameValidationException
from rclpy.executors import ExternalShutdownException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.signals import uninstall_signal_handlers
from rclpy.utilities import remove_ros_args

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.executables import EXIT_ERROR, ignore_signals, unblock_signals
from nightseg_ros.ros.heap import TRIM_PERIOD_S, keep_large_buffers, release_unused_pages
from nightseg_ros.ros.resilient_executor import ResilientExecutor
from nightseg_ros.ros.transport import security_remedy

if TYPE_CHECKING:
    from rclpy.node import Node

SWITCH_INTERVAL_S = 0.0001
"""How long a worker waits at most for the executor thread to yield; Python's default is 5 ms.

The executor builds its set of entities anew after each callback, which takes a millisecond.
"""

_SOURCE_LINE = re.compile(r", at /\S+:\d+")
"""The source location in an error of ROS, which does not help a user."""


def run_node(
    create: Callable[[], Node], argv: Sequence[str] | None = None, *, description: str = ""
) -> int:
    """Run a node until SIGINT or SIGTERM; return 0, or 2 where it could not start.

    It survives exceptions of its callbacks if it counts them (`CountsErrors`).
    """
    arguments = list(sys.argv if argv is None else argv)
    parser = argparse.ArgumentParser(Path(arguments[0]).name, description=description)
    parser.add_argument(
        "--autostart", action="store_true", help="configure and activate; exit if that fails"
    )
    node: Node | None = None
    initialised = False
    keep_large_buffers()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # OpenCV's threads gain little on images of this size, and lose a time slice whenever an
    # engine or a camera occupies the other cores.
    cv2.setNumThreads(1)
    try:
        _initialise(arguments)
        initialised = True
        options = parser.parse_args(remove_ros_args(arguments)[1:])
        executor = ResilientExecutor()
        unblock_signals()
        node = _created(create)
        executor.add_node(node)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        node.create_timer(TRIM_PERIOD_S, release_unused_pages, clock=steady)
        if options.autostart and isinstance(node, LifecycleNode):
            autostart(node)
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except Exception as error:
        if initialised and not rclpy.ok():
            return 0  # stopped during its start; failures are expected then
        if not isinstance(error, NightsegError):
            raise
        print(f"{parser.prog}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return EXIT_ERROR
    finally:
        uninstall_signal_handlers()  # else rclpy would restore the earlier ones at its shutdown
        ignore_signals()
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


def _initialise(arguments: list[str]) -> None:
    try:
        rclpy.init(args=arguments)
    except Exception as error:  # a params file that is missing or not YAML, a wrong remapping
        raise NightsegError(f"the ROS arguments cannot be used: {_plain(error)}") from error


def _created(create: Callable[[], Node]) -> Node:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Failed to fini")  # of what never existed
            return create()
    except (NameValidationException, rclpy_implementation.RCLError) as error:
        reason = security_remedy(str(error)) or _plain(error)
        raise NightsegError(f"the node cannot be created: {reason}") from error


def _plain(error: Exception) -> str:
    """Return an error of ROS in one line, without its source location."""
    return _SOURCE_LINE.sub("", " ".join(str(error).split()))


def autostart(node: LifecycleNode) -> None:
    """Configure and activate a node in this process; on failure the node has logged why."""
    for name, trigger in (
        ("configured", node.trigger_configure),
        ("activated", node.trigger_activate),
    ):
        if trigger() != TransitionCallbackReturn.SUCCESS:
            raise NightsegError(f"{node.get_name()} could not be {name}; see its log for the cause")
