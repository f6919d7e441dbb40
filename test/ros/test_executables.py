# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A signal during the imports waits for its turn; both nodes know the parameters of both."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from nightseg_ros.ros.known_parameters import unknown_parameter

pytestmark = pytest.mark.ros

INTERRUPTED_IMPORT = """
import importlib, os, signal, sys
from nightseg_ros.ros import executables
load = importlib.import_module
def interrupted(name, package=None):
    os.kill(os.getpid(), signal.Signals[sys.argv[1]])
    return load(name, package)
importlib.import_module = interrupted
sys.exit(executables.run_executable(sys.argv[2], [sys.argv[2]]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["segmentation_node", "overlay_node"])
def test_signal_during_the_imports_ends_with_exit_code_0(name, number):
    command = [sys.executable, "-c", INTERRUPTED_IMPORT, number.name, name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "name", ["route", "alpha", "diagnostics.period_s", "use_sim_time", "qos_overrides./image.x"]
)
def test_parameters_of_both_nodes_are_known(name):
    assert unknown_parameter(name) == ""
