# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The executable as a process: exit codes, signals, and the benchmark that drives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from support.models import endless_onnx, segmenter
from support.patience import PATIENCE_S

pytestmark = [pytest.mark.ros, pytest.mark.slow]

EXECUTABLE = (sys.executable, "-m", "nightseg_ros.ros.executables")
NODE = (*EXECUTABLE, "segmentation_node")


def launch(*options, node="segmentation_node", **parameters):
    command = [*EXECUTABLE, node, *options, "--ros-args"]
    for name, value in parameters.items():
        command += ["-p", f"{name}:={value}"]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ.copy()
    )


def wait_for(process, words):
    """Read the log until it contains `words`."""
    log = ""
    end = time.monotonic() + PATIENCE_S
    while words not in log and time.monotonic() < end and process.poll() is None:
        log += process.stderr.readline()
    assert words in log, log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_an_active_node_with_exit_code_0(models_dir, number):
    process = launch("--autostart", models_dir=models_dir, engine="fake", lazy=False)
    wait_for(process, "subscribed to /image")
    process.send_signal(number)
    _, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, log
    assert "Traceback" not in log


@pytest.mark.parametrize("node", ["segmentation_node", "overlay_node"])
def test_clock_before_1970_ends_no_node_and_is_reported(node):
    import rclpy
    from diagnostic_msgs.msg import DiagnosticArray
    from rosgraph_msgs.msg import Clock

    logged, message = set(), Clock()
    message.clock.sec = -1
    process = launch(node=node, use_sim_time=True)
    rclpy.init(args=[])
    peer = rclpy.create_node("peer")
    try:
        clock = peer.create_publisher(Clock, "/clock", 1)
        peer.create_timer(0.1, lambda: clock.publish(message))
        peer.create_subscription(
            DiagnosticArray,
            "/diagnostics",
            lambda array: logged.update((x.name, x.message) for x in array.status),
            10,
        )
        words = "callback of /clock raised ValueError: Seconds value must not be negative"
        end = time.monotonic() + PATIENCE_S  # a node starts slowly where both cores are busy
        while (f"{node}: callbacks", words) not in logged and time.monotonic() < end:
            if process.poll() is not None:
                break
            rclpy.spin_once(peer, timeout_sec=0.1)
    finally:
        peer.destroy_node()
        rclpy.try_shutdown()
        process.send_signal(signal.SIGINT)
    _, log = process.communicate(timeout=PATIENCE_S)
    assert (f"{node}: callbacks", words) in logged, log
    assert process.returncode == 0, log


def test_signal_ends_a_node_that_is_configuring(models_dir):
    process = launch("--autostart", models_dir=models_dir, engine="fake", fake_delay_ms=4000.0)
    time.sleep(3.0)
    process.send_signal(signal.SIGINT)
    _, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, log
    assert "Traceback" not in log


@pytest.fixture
def endless(tmp_path):
    """Return what starts a node with a model that never comes back from its trial run."""
    segmenter(tmp_path / "endless", onnx=endless_onnx())
    return {"models_dir": tmp_path, "engine": "onnxruntime-cpu", "threads": 1}


def test_trial_run_that_does_not_end_is_an_error_and_exit_code_2(endless):
    process = launch("--autostart", **endless, engine_timeout_s=1.0)
    _, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2, log
    assert "the trial run of endless on onnxruntime-cpu did not end within 1 s" in log
    assert "Traceback" not in log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_a_node_whose_engine_hangs_with_exit_code_0(endless, number):
    process = launch("--autostart", **endless, engine_timeout_s=0.0)
    wait_for(process, "loading day model endless")
    time.sleep(1.0)
    process.send_signal(number)
    _, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"route": "dusk"}, "error: route: 'dusk' is not one of"),
        ({"models_dir": "/nowhere", "engine": "fake"}, "could not be configured"),
        ({"cameras": f"[{'a' * 256}]"}, "error: cameras: 'aaaaaaaaaa...' has 256 characters"),
    ],
)
def test_bad_start_is_one_line_and_exit_code_2(parameters, words):
    process = launch("--autostart", **parameters)
    _, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2, log
    assert words in log
    assert "Traceback" not in log


def test_params_file_that_does_not_exist_is_one_line_and_exit_code_2(tmp_path):
    command = [*NODE, "--ros-args", "--params-file", str(tmp_path / "none.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2
    assert "error: the ROS arguments cannot be used: " in done.stderr
    assert "none.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_params_file_that_is_no_yaml_is_reported_without_the_sources_of_ros(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("segmentation_node:\n  ros__parameters:\n    route: [night\n")
    command = [*NODE, "--ros-args", "--params-file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2
    logged = done.stderr.rstrip().splitlines()[-1]
    assert "near line" in logged
    assert "/src/" not in logged


def test_benchmark_measures_and_its_account_is_exact():
    command = [sys.executable, "-m", "nightseg_ros.cli.main", "bench", "node", "--json"]
    command += ["--seconds", "3", "--camera-hz", "30", "--engine-delay-ms", "60"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["engine"] == "fake"
    assert result["account_exact"]
    assert result["received"] > 20
    assert result["dropped"] > 0
    assert result["milliseconds"]["inference"]["p50"] >= 60.0
    assert {"overhead", "latency", "age", "total"} <= result["milliseconds"].keys()
