# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Children start and end together; what the main one said last is why it failed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.patience import PATIENCE_S

from nightseg_ros.cli import node_processes
from nightseg_ros.cli.node_processes import NodeProcesses
from nightseg_ros.errors import NightsegError


def python(code):
    return [sys.executable, "-c", f"import os, signal, sys, time\n{code}"]


FOREVER = python(
    "signal.signal(signal.SIGINT, lambda *_: sys.exit(0))\n"
    "signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])\n"  # as nodes do in the end
    "print('up', file=sys.stderr, flush=True)\n"
    "time.sleep(60)"
)


def processes(**commands):
    return NodeProcesses(commands, dict(os.environ))


def test_when_the_main_one_ends_all_end():
    graph = processes(main=python("time.sleep(1)"), other=FOREVER)
    assert graph.run() == {"main": 0, "other": 0}


def test_when_another_ends_the_main_one_goes_on(capfd):
    graph = processes(main=python("time.sleep(1.5)"), other=python("sys.exit(3)"))
    assert graph.run() == {"main": 0, "other": 3}
    assert "other has ended with exit code 3; main goes on" in capfd.readouterr().err


LOGGED = "[ERROR] [1.5] [front.seg]: could not configure: no model in /m"


@pytest.mark.parametrize(
    ("said", "code", "reported"),
    [
        (
            [LOGGED, "seg: error: main could not be configured; see its log for the cause"],
            2,
            "main could not be configured; see its log for the cause",
        ),
        (["node.py: error: parameter alpha: lots"], 2, "main: parameter alpha: lots"),
        (["[ERROR] [1.0] [rcl]: no", "node.py: error: near line 3"], 2, "main: near line 3"),
        (["[INFO] [1.0] [seg]: fine"], 2, "main has ended with exit code 2"),
        ([LOGGED], 7, "main has ended with exit code 7"),
    ],
)
def test_what_a_node_ends_with_is_the_error_and_is_reported_once(capfd, said, code, reported):
    script = f"print({chr(10).join(said)!r}, file=sys.stderr)\nsys.exit({code})"
    with pytest.raises(NightsegError) as caught:
        processes(main=python(script)).run()
    assert str(caught.value) == reported
    log = [line for line in said if ": error: " not in line]
    assert capfd.readouterr().err.splitlines() == log


def test_the_error_of_another_node_is_passed_on(capfd):
    other = python("print('over.py: error: no such topic', file=sys.stderr)\nsys.exit(2)")
    processes(main=python("time.sleep(1.5)"), other=other).run()
    assert "over.py: error: no such topic" in capfd.readouterr().err


def test_a_process_that_was_killed_is_an_error():
    with pytest.raises(NightsegError, match="exit code -9"):
        processes(main=python("os.kill(os.getpid(), signal.SIGKILL)")).run()


def test_interrupt_before_a_child_can_answer_waits_for_it():
    """Python itself would answer with a traceback and exit code 1."""
    child = python(
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(0))\n"
        "signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])\n"
        "sys.exit(4)"
    )
    assert processes(main=child).run() == {"main": 0}


RUNNER = """
import sys
from nightseg_ros.cli.node_processes import NodeProcesses
forever = {forever!r}
import os
codes = NodeProcesses({{"main": forever, "other": forever}}, dict(os.environ)).run()
print(codes)
"""


def start_runner(repository):
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER.format(forever=FOREVER)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=repository,
    )
    for _ in range(2):
        assert runner.stderr.readline() == "up\n"
    return runner


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends orphans")
def test_children_end_when_their_parent_is_killed(repository):
    runner = start_runner(repository)
    children = Path(f"/proc/{runner.pid}/task/{runner.pid}/children").read_text().split()
    assert len(children) == 2
    runner.kill()
    runner.communicate(timeout=PATIENCE_S)  # ends when the last child has closed the pipe
    end = time.monotonic() + PATIENCE_S
    while any(alive(child) for child in children):
        assert time.monotonic() < end
        time.sleep(0.05)


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


@pytest.mark.parametrize("number", node_processes.STOP_SIGNALS)
def test_signals_reach_all_children(number, repository):
    runner = start_runner(repository)
    runner.send_signal(number)
    output, _ = runner.communicate(timeout=PATIENCE_S)
    assert runner.returncode == 0
    assert output.strip() == "{'main': 0, 'other': 0}"


def test_who_does_not_listen_is_killed(monkeypatch):
    monkeypatch.setattr(node_processes, "STOP_S", 0.5)
    deaf = python("signal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(60)")
    codes = processes(main=python("time.sleep(1)"), other=deaf).run()
    assert codes == {"main": 0, "other": -signal.SIGKILL}
