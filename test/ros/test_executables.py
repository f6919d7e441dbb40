# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A signal during the imports waits for its turn; both nodes know the parameters of both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from support.patience import PATIENCE_S

pytest.importorskip("rclpy", reason="needs rclpy")

from nightseg_ros.ros.executables import LEAST_FILES
from nightseg_ros.ros.params_file import unknown_parameter

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
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


ENDING = """
import os, signal, sys
from nightseg_ros.ros import executables, process
from nightseg_ros.ros.overlay_node import OverlayNode
class Node(OverlayNode):
    def destroy_node(self):
        os.kill(os.getpid(), signal.Signals[sys.argv[1]])
        super().destroy_node()
        os.kill(os.getpid(), signal.Signals[sys.argv[1]])
class Executor(process.ResilientExecutor):
    def spin(self):
        os.kill(os.getpid(), signal.Signals[sys.argv[1]])
        super().spin()
process.ResilientExecutor = Executor
sys.exit(process.run_node(Node, ["overlay_node"]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_more_signals_while_it_ends_change_nothing(number):
    """As below `ros2 launch`, where Ctrl-C comes from the terminal and from launch."""
    command = [sys.executable, "-c", ENDING, number.name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "name", ["route", "alpha", "diagnostics.period_s", "use_sim_time", "qos_overrides./image.x"]
)
def test_parameters_of_both_nodes_are_known(name):
    assert unknown_parameter(name) == ""


@pytest.mark.parametrize("name", ["segmentation_node", "overlay_node"])
def test_too_few_open_files_are_one_line_and_exit_code_2(name):
    command = ["bash", "-c", 'ulimit -n 20; exec "$@"', "bash", sys.executable, "-m"]
    command += ["nightseg_ros.ros.executables", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f"{name}: error: only 20 files may be open at a time, and a node needs up to "
        f"{LEAST_FILES}; raise the limit (ulimit -n)\n"
    )


def test_limit_of_open_files_is_raised_where_that_is_allowed():
    code = """
import resource
from nightseg_ros.ros.executables import allow_open_files
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (20, hard))
allow_open_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{LEAST_FILES}\n"


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (["__ns:=/" + "n" * 250], "error: the node cannot be created: "),
        (["__ns:=/" + "n" * 200, "cameras:=[" + "a" * 90 + "]"], "topic length should not exceed"),
    ],
)
def test_names_that_ros_cannot_have_are_one_line_and_exit_code_2(rules, words):
    command = [sys.executable, "-m", "nightseg_ros.ros.executables", "overlay_node", "--ros-args"]
    for rule in rules:
        command += ["-p" if rule.startswith("cameras") else "-r", rule]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(
    "AMENT_PREFIX_PATH" in os.environ, reason="a ROS that is sourced may have security"
)
def test_security_that_the_middleware_cannot_do_is_one_clear_error(tmp_path):
    folder = tmp_path / "enclaves" / "seg"
    folder.mkdir(parents=True)
    for name in ("identity_ca.cert.pem", "cert.pem", "key.pem", "permissions_ca.cert.pem"):
        (folder / name).touch()
    for name in ("governance.p7s", "permissions.p7s"):
        (folder / name).touch()
    security = {
        "ROS_SECURITY_KEYSTORE": str(tmp_path),
        "ROS_SECURITY_ENABLE": "true",
        "ROS_SECURITY_STRATEGY": "Enforce",
    }
    command = [sys.executable, "-m", "nightseg_ros.ros.executables", "overlay_node"]
    command += ["--ros-args", "--enclave", "/seg"]
    env = {**os.environ, **security}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=env
    )
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert "the node cannot be created: ROS_SECURITY_ENABLE is 'true', but this Fast DDS" in last
    assert "Traceback" not in done.stderr
    assert "RuntimeWarning" not in done.stderr
