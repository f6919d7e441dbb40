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

pytestmark = [pytest.mark.ros, pytest.mark.slow]


def launch(*options, **parameters):
    command = [sys.executable, "-m", "nightseg_ros.ros.segmentation_node", *options, "--ros-args"]
    for name, value in parameters.items():
        command += ["-p", f"{name}:={value}"]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ.copy()
    )


def wait_for(process, words):
    """Read the log until it says `words`."""
    log = ""
    end = time.monotonic() + 30
    while words not in log and time.monotonic() < end and process.poll() is None:
        log += process.stderr.readline()
    assert words in log, log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_an_active_node_with_exit_code_0(models_dir, number):
    process = launch("--autostart", models_dir=models_dir, engine="fake", lazy=False)
    wait_for(process, "subscribed to /image")
    process.send_signal(number)
    _, log = process.communicate(timeout=20)
    assert process.returncode == 0, log
    assert "Traceback" not in log


def test_signal_ends_a_node_that_is_configuring(models_dir):
    process = launch("--autostart", models_dir=models_dir, engine="fake", fake_delay_ms=4000.0)
    time.sleep(3.0)
    process.send_signal(signal.SIGINT)
    _, log = process.communicate(timeout=30)
    assert process.returncode == 0, log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"route": "dusk"}, "error: route: 'dusk' is not one of"),
        ({"models_dir": "/nowhere", "engine": "fake"}, "could not be configured"),
    ],
)
def test_bad_start_is_one_line_and_exit_code_2(parameters, words):
    process = launch("--autostart", **parameters)
    _, log = process.communicate(timeout=30)
    assert process.returncode == 2, log
    assert words in log
    assert "Traceback" not in log


def test_params_file_that_does_not_exist_is_one_line_and_exit_code_2(tmp_path):
    command = [sys.executable, "-m", "nightseg_ros.ros.segmentation_node", "--ros-args"]
    command += ["--params-file", str(tmp_path / "none.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "error: the ROS arguments cannot be used: " in done.stderr
    assert "none.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_params_file_that_is_no_yaml_is_told_without_the_sources_of_ros(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("segmentation_node:\n  ros__parameters:\n    route: [night\n")
    command = [sys.executable, "-m", "nightseg_ros.ros.segmentation_node", "--ros-args"]
    command += ["--params-file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    told = done.stderr.rstrip().splitlines()[-1]
    assert "near line" in told
    assert "/src/" not in told


def test_benchmark_measures_and_its_account_is_exact():
    command = [sys.executable, "-m", "nightseg_ros.cli.main", "bench", "node", "--json"]
    command += ["--seconds", "3", "--camera-hz", "30", "--engine-delay-ms", "60"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["engine"] == "fake"
    assert result["account_exact"]
    assert result["received"] > 20
    assert result["dropped"] > 0
    assert result["milliseconds"]["inference"]["p50"] >= 60.0
    assert {"overhead", "latency", "age", "total"} <= result["milliseconds"].keys()
