# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The launch files at work, where launch is there."""

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
from support.lifecycle import state_of
from support.patience import PATIENCE_S

from nightseg_ros.bundles.write import write_bundle
from nightseg_ros.labels.label_set import CITYSCAPES19

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


pytestmark = [
    pytest.mark.ros,
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("launch_ros") is None,
        reason="launch_ros is not installed: source a ROS 2 (it is not on PyPI)",
    ),
]


def install(prefix, package, **executables):
    """Lay out an installed package as launch looks for it; executables are shell commands."""
    index = prefix / "share" / "ament_index" / "resource_index" / "packages"
    folder = prefix / "lib" / package
    index.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    (index / package).touch()
    for name, command in executables.items():
        (folder / name).write_text(f"#!/bin/sh\n{command}\n")
        (folder / name).chmod(0o755)


@pytest.fixture(autouse=True)
def prefix(tmp_path, monkeypatch):
    """Install this very code, and a folder for other commands."""
    nodes = {
        name: f'exec {sys.executable} -m nightseg_ros.ros.executables {name} "$@"'
        for name in ("segmentation_node", "overlay_node")
    }
    install(tmp_path / "ros", "nightseg_ros", **nodes)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path / "ros"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    return tmp_path / "ros"


@pytest.fixture
def player(prefix, tmp_path):
    """Return a function that installs a player with this exit code."""

    def install_player(code):
        install(prefix, "ros2bag")
        command = tmp_path / "bin" / "ros2"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\necho "PLAYED $@"\nsleep 1\nexit {code}\n')
        command.chmod(0o755)

    return install_player


@pytest.fixture
def bag(tmp_path):
    file = tmp_path / "drive.mcap"
    file.touch()
    return file


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


def launch(name, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(FOLDER / name), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def interrupt(process):
    """Send SIGINT as Ctrl-C in a terminal does: to all processes of the group."""
    os.killpg(process.pid, signal.SIGINT)


def processes(session, program):
    """Return the processes of a session that run a program of this name."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_text().split("\0")
            if program in words and os.getsid(int(folder.name)) == session:
                found.append(int(folder.name))
    return found


def read_until(process, text, count=1):
    """Return the lines up to the one that holds `text` for the `count`-th time."""
    lines = []
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    for line in process.stdout:
        lines.append(line)
        if sum(text in line for line in lines) == count:
            break
    watchdog.cancel()
    return "".join(lines)


def result(process):
    """Return the exit code and the rest of the output; no process may be left."""
    try:
        output, _ = process.communicate(timeout=PATIENCE_S)
        left = processes(process.pid, "--ros-args")
    finally:
        end_all(process)
    assert left == [], output
    return process.returncode, output


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
        end = time.monotonic() + PATIENCE_S
        while not (overlays := node.count_publishers("/car/overlay_node/overlay")):
            assert time.monotonic() < end
            time.sleep(0.1)
        interrupt(process)
        output, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        end_all(process)
        node.destroy_node()
        rclpy.shutdown()
    assert label == state, output
    assert overlays == 1, output
    assert output.count("process has finished cleanly") == 2, output
    assert "Traceback" not in output


def test_a_failure_to_configure_is_reported_with_what_to_do(params):
    params.write_text(params.read_text().replace("[day, night]", "[day, night, translate]"))
    process = launch("nightseg.launch.py", f"params_file:={params}", "route:=translate")
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if "see its log for the cause" in line:
                interrupt(process)
        process.wait(timeout=PATIENCE_S)
    finally:
        watchdog.cancel()
        end_all(process)
    output = "".join(lines)
    assert "could not configure: route translate is out" in output
    assert "ros2 lifecycle set /segmentation_node configure" in output
    assert "process has finished cleanly" in output


def test_replay_plays_the_bag_once_the_node_is_active_and_ends_with_it(params, player, bag):
    player(0)
    process = launch(
        *("replay.launch.py", f"bag:={bag}", "rate:=2", "rviz:=false", f"params_file:={params}")
    )
    code, output = result(process)
    assert code == 0, output
    configured, played = output.find("configured:"), output.find(f"PLAYED bag play {bag}")
    assert 0 < configured < played, output
    assert "--clock 100 --rate 2" in output


@pytest.mark.parametrize("stop_at_end", ["true", "false"])
def test_a_player_that_fails_fails_the_replay(params, player, bag, stop_at_end):
    player(3)
    process = launch(
        *("replay.launch.py", f"bag:={bag}", "rviz:=false", f"params_file:={params}"),
        f"stop_at_end:={stop_at_end}",
    )
    code, output = result(process)
    assert code == 3, output
    assert "player-2 has ended with exit code 3; shutting down the launch" in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nightseg.launch.py", "rviz:=true"), "rviz2 is not installed"),
        (("nightseg.launch.py", "params_file:=/no.yaml"), "there is no params file '/no.yaml'"),
        (("replay.launch.py", "bag:=/no/bag"), "there is no bag '/no/bag'"),
        (("replay.launch.py", "bag:={bag}"), "ros2bag is not installed"),
    ],
)
def test_nothing_is_started_where_something_is_missing(bag, tmp_path, words, said):
    command = tmp_path / "bin" / "ros2"  # so that only the package is missing
    command.parent.mkdir()
    command.touch(0o755)
    code, output = result(launch(*(word.format(bag=bag) for word in words)))
    assert code == 1, output
    assert said in output
    assert "process started" not in output


def test_a_replay_without_rviz_starts_nothing(player, bag):
    player(0)
    code, output = result(launch("replay.launch.py", f"bag:={bag}"))
    assert code == 1, output
    assert "or give rviz:=false" in output
    assert "process started" not in output


@pytest.mark.parametrize("name", ["segmentation_node", "overlay_node"])
def test_a_node_that_dies_ends_the_launch_with_its_code(params, name):
    process = launch("nightseg.launch.py", f"params_file:={params}", "overlay:=true")
    try:
        read_until(process, "configured:")
        (node,) = processes(process.pid, name)
    finally:
        os.kill(node, signal.SIGKILL)
    code, output = result(process)
    assert code == 128 + signal.SIGKILL, output
    assert "has ended with exit code 137; shutting down the launch" in output


def test_a_node_that_cannot_start_ends_the_launch_with_its_code(params):
    params.write_text(params.read_text() + "    max_failures: many\n")
    code, output = result(launch("nightseg.launch.py", f"params_file:={params}"))
    assert code == 2, output
    assert "max_failures: 'many' is not of type integer" in output


def test_a_node_that_dies_comes_back_with_respawn(params):
    import rclpy

    process = launch("nightseg.launch.py", f"params_file:={params}", "respawn:=true")
    rclpy.init()
    manager = rclpy.create_node("manager")
    try:
        read_until(process, "configured:")
        (node,) = processes(process.pid, "segmentation_node")
        os.kill(node, signal.SIGKILL)
        read_until(process, "configured:")
        label = state_of(manager, "/segmentation_node", "active")
    finally:
        manager.destroy_node()
        rclpy.shutdown()
        interrupt(process)
    code, output = result(process)
    assert (label, code) == ("active", 0), output


def test_a_section_that_reaches_no_node_is_reported(params):
    params.write_text(params.read_text().replace("/**", "segmentation_node"))
    process = launch("nightseg.launch.py", f"params_file:={params}", "namespace:=car")
    try:
        output = read_until(process, "configured:")
        interrupt(process)
    finally:
        result(process)
    assert "nothing of /segmentation_node reaches /car/segmentation_node" in output
