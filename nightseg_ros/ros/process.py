# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One node as one process: start it, spin it, and end with exit code 0 when told to stop."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.utilities import remove_ros_args

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.executables import let_signals_through
from nightseg_ros.ros.heap import return_large_buffers

EXIT_ERROR = 2
SWITCH_INTERVAL_S = 0.001
"""A worker thread waits up to this long for the executor thread to hand over; 5 ms is usual."""

_SOURCE_LINE = re.compile(r", at /\S+:\d+")
"""Where in the sources of ROS an error was found, which helps no one who starts a node."""


def run_node(
    create: Callable[[], Node], argv: Sequence[str] | None = None, *, description: str = ""
) -> int:
    """Run a node until SIGINT or SIGTERM; return 0, or 2 where it could not start.

    `--autostart` configures and activates a lifecycle node without a manager, and ends where
    that fails.
    """
    arguments = list(sys.argv if argv is None else argv)
    parser = argparse.ArgumentParser(Path(arguments[0]).name, description=description)
    parser.add_argument(
        "--autostart", action="store_true", help="configure and activate; end where that fails"
    )
    node: Node | None = None
    begun = False
    return_large_buffers()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # OpenCV's helper threads gain little on images of this size, and lose a time slice whenever
    # an engine or a camera holds the other cores.
    cv2.setNumThreads(1)
    try:
        _initialise(arguments)
        begun = True
        options = parser.parse_args(remove_ros_args(arguments)[1:])
        executor = SingleThreadedExecutor()
        let_signals_through()
        node = create()
        executor.add_node(node)
        if options.autostart and isinstance(node, LifecycleNode):
            autostart(node)
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except Exception as error:
        if begun and not rclpy.ok():
            return 0  # told to stop while it was starting; what then fails is no news
        if not isinstance(error, NightsegError):
            raise
        print(f"{parser.prog}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return EXIT_ERROR
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


def _initialise(arguments: list[str]) -> None:
    try:
        rclpy.init(args=arguments)
    except Exception as error:  # a params file that is missing or no YAML, a wrong remapping
        text = _SOURCE_LINE.sub("", " ".join(str(error).split()))
        raise NightsegError(f"the ROS arguments cannot be used: {text}") from error


def autostart(node: LifecycleNode) -> None:
    """Configure and activate a node in this process; the node has logged why where it fails."""
    for name, trigger in (
        ("configured", node.trigger_configure),
        ("activated", node.trigger_activate),
    ):
        if trigger() != TransitionCallbackReturn.SUCCESS:
            raise NightsegError(f"{node.get_name()} could not be {name}; its log says why")
