# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Nodes as child processes that start and end together, and why one did not."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

from nightseg_ros.errors import NightsegError
from nightseg_ros.trials.child_nodes import prepare_child, wait_or_kill

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_S = 15.0
"""How long a node may take to end; a little longer than it waits for its engine."""
_PRINTED = re.compile(r"\S+: error: (.+)")
"""What a node prints when it cannot start."""


class NodeProcesses:
    """The first node is the one that counts: when it ends, all end.

    Each has a session of its own, so that Ctrl-C in a terminal reaches it once, through here.
    """

    def __init__(self, commands: dict[str, list[str]], env: dict[str, str]) -> None:
        self._commands, self._env = commands, env
        self._children: dict[str, subprocess.Popen[str]] = {}
        self._echoes: list[threading.Thread] = []
        self._reasons: dict[str, str] = {}
        self._stopping = False

    def run(self) -> dict[str, int]:
        """Run until a signal stops it; return the exit codes, or raise where a node failed."""
        previous = {number: signal.signal(number, self._on_signal) for number in STOP_SIGNALS}
        main = next(iter(self._commands))
        try:
            for name, words in self._commands.items():
                if not self._stopping:
                    self._start(name, words)
            self._listen()
            reported = set()
            while not self._stopping and self._children[main].poll() is None:
                for name, child in self._children.items():
                    if child.poll() is not None and name not in reported:
                        reported.add(name)
                        text = f"{name} has ended with exit code {child.returncode}"
                        print(f"nightseg: {text}; {main} goes on", file=sys.stderr)
                time.sleep(0.05)
        finally:
            self._stop()
            for number, handler in previous.items():
                signal.signal(number, handler)
        if self._children:
            self._judge(main)
        return {name: child.returncode for name, child in self._children.items()}

    def _judge(self, main: str) -> None:
        """Raise where the main node did not end as it should; after a signal any code will do."""
        code, reason = self._children[main].returncode, self._reasons.get(main, "")
        if code == 0 or (self._stopping and code != -signal.SIGKILL):
            return
        if reason:
            raise NightsegError(reason if reason.startswith(main) else f"{main}: {reason}")
        raise NightsegError(f"{main} has ended with exit code {code}")

    def _start(self, name: str, words: list[str]) -> None:
        child = subprocess.Popen(  # noqa: S603 - our own modules
            words,
            env=self._env,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=prepare_child,
        )
        self._children[name] = child

    def _listen(self) -> None:
        # Threads only now: no process may be forked while there are any.
        for name, child in self._children.items():
            echo = threading.Thread(target=self._echo, args=(name, child), daemon=True)
            echo.start()
            self._echoes.append(echo)

    def _echo(self, name: str, child: subprocess.Popen[str]) -> None:
        """Pass the log on; the error that the main node ends with is kept for our own."""
        assert child.stderr is not None
        main = next(iter(self._commands))
        for line in child.stderr:
            found = _PRINTED.match(line) if name == main else None
            if found and name not in self._reasons:
                self._reasons[name] = found[1].strip()
                continue
            sys.stderr.write(line)
            sys.stderr.flush()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _stop(self) -> None:
        for child in self._children.values():
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
        end_s = time.monotonic() + STOP_S
        for name, child in self._children.items():
            if wait_or_kill(child, max(0.0, end_s - time.monotonic())):
                self._reasons[name] = f"it did not end within {STOP_S:g} s and was killed"
        for echo in self._echoes:
            echo.join(1.0)
