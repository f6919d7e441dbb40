# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Nodes as child processes of a measurement or a demo: in their own ROS domain, always stopped.

Their parameters and logs are kept in a folder, to show what ran.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import yaml

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.executables import STOP_SIGNALS
from nightseg_ros.ros.transport import apply_large_image_transport

STOP_S = 15.0
LOG_TAIL = 5

Processes = Mapping[str, "subprocess.Popen[bytes]"]


@dataclass(frozen=True)
class ChildNode:
    """One node to start; `name` is that of its module and of its executable."""

    name: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    remap: Mapping[str, str] = field(default_factory=dict)
    autostart: bool = False
    module: str = ""
    """What Python runs instead of the executable of that name: a node that is not ours."""

    def command(self, folder: Path) -> list[str]:
        """Write the parameters and return the command that reads them."""
        file = folder / f"{self.name}.yaml"
        text = yaml.safe_dump({"/**": {"ros__parameters": dict(self.parameters)}})
        file.write_text(text, encoding="utf-8")
        program = [self.module] if self.module else ["nightseg_ros.ros.executables", self.name]
        words = [sys.executable, "-m", *program]
        words += ["--autostart"] if self.autostart else []
        words += ["--ros-args", "--params-file", str(file)]
        for source, target in self.remap.items():
            words += ["-r", f"{source}:={target}"]
        return words


def isolate(env: MutableMapping[str, str], *, always: bool) -> str:
    """Keep away from other robots' graphs; return the domain.

    A domain that the user has chosen is respected unless `always`: a measurement needs a graph of
    its own.
    """
    if always or "ROS_DOMAIN_ID" not in env:
        taken = env.get("ROS_DOMAIN_ID", "")
        env["ROS_DOMAIN_ID"] = random.choice([d for d in map(str, range(1, 101)) if d != taken])
        env["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    return env["ROS_DOMAIN_ID"]


@contextmanager
def isolated(*, always: bool = True) -> Iterator[tuple[str, str]]:
    """Isolate this process and its children for a while; yield the domain and the transport."""
    before = dict(os.environ)
    try:
        yield isolate(os.environ, always=always), apply_large_image_transport(os.environ)
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def child_nodes(nodes: Sequence[ChildNode], logs: Path) -> Iterator[Processes]:
    """Run nodes; they are stopped, whatever happens."""
    logs.mkdir(parents=True, exist_ok=True)
    processes: dict[str, subprocess.Popen[bytes]] = {}
    with contextlib.ExitStack() as stack:
        try:
            for node in nodes:
                log = stack.enter_context((logs / f"{node.name}.log").open("wb"))
                with _signals_held():
                    processes[node.name] = start_child(node.command(logs), log)
            yield processes
        finally:
            for process in processes.values():
                process.send_signal(signal.SIGINT)
            for process in processes.values():
                wait_or_kill(process, STOP_S)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold Ctrl-C back until a process that has just started is known to those who must stop it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    previous = {
        number: signal.signal(number, lambda found, _: held.append(found))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    for found in held:
        signal.raise_signal(found)


def start_child(
    words: Sequence[str], output: IO[bytes], env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a node in a session of its own: Ctrl-C comes to us, and we end the nodes one by one."""
    return subprocess.Popen(  # noqa: S603 - our own modules
        words,
        stdout=output,
        stderr=output,
        env=env,
        start_new_session=True,
        preexec_fn=prepare_child,
    )


def wait_or_kill(process: subprocess.Popen[Any], limit_s: float) -> bool:
    """Wait for the end of a process; kill it after a while, and return whether it was killed."""
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def prepare_child() -> None:
    """Let a node receive Ctrl-C only once it can handle it, and end with its parent.

    Before our first line runs, Python would print a traceback.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    end_with_parent()


def end_with_parent() -> None:
    """Ask Linux to interrupt this process when its parent dies, be it by SIGKILL."""
    pr_set_pdeathsig = 1
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGINT)


def check_alive(processes: Processes, logs: Path) -> None:
    """Raise with the end of its log where a node has exited."""
    for name, process in processes.items():
        if process.poll() is not None:
            raise NightsegError(
                f"{name} ended with exit code {process.returncode}: {log_tail(name, logs)}"
            )


def log_tail(name: str, logs: Path) -> str:
    """Return the end of the log of a node in one line."""
    text = (logs / f"{name}.log").read_text(errors="replace").strip().splitlines()
    return " | ".join(text[-LOG_TAIL:]) or "it logged nothing"
