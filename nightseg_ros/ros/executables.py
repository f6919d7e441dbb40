# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The executables: SIGINT and SIGTERM are held back while ROS and the engines are imported.

That takes a second, in which Ctrl-C would end in a traceback. `run_node` lets the signals through
once there is a context that they can end.
"""

from __future__ import annotations

import importlib
import signal
import sys

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def segmentation_node() -> int:
    """Run the segmentation node; the exit code of the executable."""
    return run_executable("segmentation_node", sys.argv)


def overlay_node() -> int:
    """Run the overlay node; the exit code of the executable."""
    return run_executable("overlay_node", sys.argv)


def run_executable(name: str, argv: list[str]) -> int:
    """Import and run the node of this name."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    code: int = importlib.import_module(f"nightseg_ros.ros.{name}").main(argv)
    return code


def let_signals_through() -> None:
    """Take what was held back now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


if __name__ == "__main__":
    sys.exit(run_executable(sys.argv[1], sys.argv[1:]))
