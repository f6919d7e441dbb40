# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The executables: SIGINT and SIGTERM are blocked while ROS and the engines are imported.

That takes a second, and Ctrl-C would cause a traceback meanwhile. `run_node` unblocks the signals
once there is a context that they can shut down.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading

from nightseg_ros.errors import NightsegError

EXIT_ERROR = 2
THREAD_NAME = "nightseg_worker"
"""The name of the threads that run engines."""
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
    try:
        allow_open_files()
    except NightsegError as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        return EXIT_ERROR
    code: int = importlib.import_module(f"nightseg_ros.ros.{name}").main(argv)
    if any(thread.name == THREAD_NAME for thread in threading.enumerate()):
        # A hung engine was abandoned. A regular exit of Python would free it under its running
        # thread, which aborts the process.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def unblock_signals() -> None:
    """Deliver signals again, also those that arrived meanwhile."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def ignore_signals() -> None:
    """Ignore further signals: the node is ending. Under `ros2 launch` Ctrl-C arrives twice."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

LEAST_FILES = 128
"""A node with four cameras has 25 files open, imports and engines open a few more briefly, and
every process that shares memory with it costs one. With too low a limit, libraries fail anywhere,
with obscure errors."""


def allow_open_files() -> None:
    """Raise the limit of open files to what a node needs; NightsegError where not allowed."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= LEAST_FILES:
        return
    if hard != resource.RLIM_INFINITY and hard < LEAST_FILES:
        raise NightsegError(
            f"only {hard} files may be open at a time, and a node needs up to {LEAST_FILES}; "
            "raise the limit (ulimit -n)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (LEAST_FILES, hard))


if __name__ == "__main__":
    sys.exit(run_executable(sys.argv[1], sys.argv[1:]))
