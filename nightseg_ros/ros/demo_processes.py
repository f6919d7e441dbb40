# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The nodes of the demo as processes of their own, on a domain of their own, never left behind."""

from __future__ import annotations

import contextlib
import ctypes
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nightseg_ros.errors import NightsegError

NODES = {"segmentation_node": ["--autostart"], "overlay_node": []}
IMAGE = "/camera/image"
STOP_S = 15.0
LOG_TAIL = 5


def isolate(env: MutableMapping[str, str]) -> str:
    """Keep the demo off other robots' graphs unless the user chose a domain; say which it is."""
    if "ROS_DOMAIN_ID" not in env:
        env["ROS_DOMAIN_ID"] = str(random.randint(1, 100))
        env.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    return env["ROS_DOMAIN_ID"]


@contextmanager
def nodes(parameters: Mapping[str, Mapping[str, object]], logs: Path) -> Iterator[dict[str, Any]]:
    """Run both nodes; they are stopped, whatever happens."""
    logs.mkdir(parents=True, exist_ok=True)
    processes: dict[str, subprocess.Popen[bytes]] = {}
    with contextlib.ExitStack() as stack:
        try:
            for name, options in NODES.items():
                command = [sys.executable, "-m", f"nightseg_ros.ros.{name}", *options, "--ros-args"]
                command += ["-r", f"image:={IMAGE}"]
                for key, value in parameters.get(name, {}).items():
                    command += ["-p", f"{key}:={value}"]
                log = stack.enter_context(open(logs / f"{name}.log", "wb"))
                # A session of its own: Ctrl-C comes to us, and we end the nodes one by one.
                processes[name] = subprocess.Popen(  # noqa: S603
                    command, stdout=log, stderr=log, start_new_session=True, preexec_fn=_with_us
                )
            yield processes
        finally:
            for process in processes.values():
                process.send_signal(signal.SIGINT)
            for process in processes.values():
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _with_us() -> None:
    """Ask Linux to interrupt a node should this process be killed."""
    pr_set_pdeathsig = 1
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGINT)


def check_alive(processes: Mapping[str, subprocess.Popen[bytes]], logs: Path) -> None:
    """Raise with the end of its log where a node has ended by itself."""
    for name, process in processes.items():
        if process.poll() is not None:
            text = (logs / f"{name}.log").read_text(errors="replace").strip().splitlines()
            raise NightsegError(
                f"{name} ended with exit code {process.returncode}: "
                f"{' | '.join(text[-LOG_TAIL:]) or 'it said nothing'}; see {logs}"
            )
