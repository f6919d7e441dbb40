# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The launch files at work, where launch is there and the package is installed for ROS."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from lifecycle_for_tests import state_of

from nightseg_ros.labels import CITYSCAPES19
from nightseg_ros.write_bundle import write_bundle

FOLDER = Path(__file__).resolve().parents[2] / "launch"
SCRIPT = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

source = PythonLaunchDescriptionSource(sys.argv[1])
arguments = [word.split(":=", 1) for word in sys.argv[2:]]
service = LaunchService()
service.include_launch_description(
    LaunchDescription([IncludeLaunchDescription(source, launch_arguments=arguments)])
)
sys.exit(service.run())
"""


def installed():
    if importlib.util.find_spec("launch_ros") is None:
        return False
    from ament_index_python.packages import PackageNotFoundError, get_package_prefix

    try:
        prefix = Path(get_package_prefix("nightseg_ros"))
    except PackageNotFoundError:
        return False
    return (prefix / "lib" / "nightseg_ros" / "segmentation_node").exists()


pytestmark = [
    pytest.mark.ros,
    pytest.mark.slow,
    pytest.mark.skipif(
        not installed(),
        reason="needs launch_ros and this package built with colcon and sourced",
    ),
]


@pytest.fixture
def models(tmp_path):
    for route in ("day", "night"):
        write_bundle(
            tmp_path / "models" / route,
            b"no network",
            name=route,
            kind="segmentation",
            route=route,
            height=48,
            width=64,
            labels=CITYSCAPES19,
        )
    return tmp_path / "models"


@pytest.fixture
def params(tmp_path, models):
    file = tmp_path / "params.yaml"
    file.write_text(
        f"/**:\n  ros__parameters:\n    engine: fake\n    models_dir: {models}\n"
        "    allowed_routes: [day, night]\n"
    )
    return file


def launch(name, *arguments, path=""):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(FOLDER / name), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"]},
    )


def interrupt(process):
    """Send SIGINT as Ctrl-C in a terminal does: to all processes of the group."""
    os.killpg(process.pid, signal.SIGINT)


def end_all(process):
    """Leave no process of the group behind, whatever has failed."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize(("autostart", "state"), [("true", "active"), ("false", "unconfigured")])
def test_the_vehicle_launch_file(params, autostart, state):
    import rclpy

    process = launch(
        "nightseg.launch.py",
        *(f"params_file:={params}", f"autostart:={autostart}", "overlay:=true"),
        *("namespace:=car", "node_name:=seg", "image_topic:=/front/image_raw", "route:=night"),
    )
    rclpy.init()
    node = rclpy.create_node("manager")
    try:
        label = state_of(node, "/car/seg", state)
        end = time.monotonic() + 30
        while not (overlays := node.count_publishers("/car/overlay_node/overlay")):
            assert time.monotonic() < end
            time.sleep(0.1)
        interrupt(process)
        output, _ = process.communicate(timeout=40)
    finally:
        end_all(process)
        node.destroy_node()
        rclpy.shutdown()
    assert label == state, output
    assert overlays == 1, output
    assert output.count("process has finished cleanly") == 2, output
    assert "Traceback" not in output


def test_a_failure_to_configure_is_told_with_what_to_do(params):
    params.write_text(params.read_text().replace("[day, night]", "[day, night, translate]"))
    process = launch("nightseg.launch.py", f"params_file:={params}", "route:=translate")
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if "its log says why" in line:
                interrupt(process)
        process.wait(timeout=20)
    finally:
        watchdog.cancel()
        end_all(process)
    output = "".join(lines)
    assert "could not configure: route translate is out" in output
    assert "ros2 lifecycle set /segmentation_node configure" in output
    assert "process has finished cleanly" in output


def test_replay_plays_the_bag_once_the_node_is_active_and_ends_with_it(params, tmp_path):
    fake = tmp_path / "bin" / "ros2"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "PLAYED $@"\nsleep 1\n')
    fake.chmod(0o755)
    process = launch(
        "replay.launch.py",
        *("bag:=/the/bag", "rate:=2", "rviz:=false", f"params_file:={params}"),
        path=str(fake.parent),
    )
    try:
        output, _ = process.communicate(timeout=90)
    finally:
        end_all(process)
    assert process.returncode == 0, output
    configured, played = output.find("configured:"), output.find("PLAYED bag play /the/bag")
    assert 0 < configured < played, output
    assert "--clock 100 --rate 2.0" in output
