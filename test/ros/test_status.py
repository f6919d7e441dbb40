# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg status` against running nodes, and nodes that only resemble them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest
from support.patience import PATIENCE_S

pytest.importorskip("rclpy", reason="needs rclpy")

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import String

from nightseg_ros.cli import main as cli
from nightseg_ros.ros.qos import latched
from nightseg_ros.trials.child_nodes import ChildNode, child_nodes

pytestmark = pytest.mark.ros


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Use another domain: what other tests leave in the graph for a while is not meant."""
    domain = str(1 + (int(os.environ["ROS_DOMAIN_ID"]) + 29) % 100)
    monkeypatch.setenv("ROS_DOMAIN_ID", domain)
    return domain


def status(*words):
    command = [sys.executable, "-m", "nightseg_ros.cli.main", "status", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


@contextmanager
def saying(name, **statuses):
    """Have a node with these statuses on /diagnostics; each is (level, message)."""
    context = rclpy.Context()
    context.init()
    node = rclpy.create_node(name, context=context)
    publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
    array = DiagnosticArray()
    for task, (level, message) in statuses.items():
        text = f"{name}: {task}"
        array.status.append(DiagnosticStatus(level=bytes([level]), name=text, message=message))
    node.create_timer(0.1, lambda: publisher.publish(array))
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        yield node, executor
    finally:
        context.shutdown()


def turned(executor, words):
    """Run the verb in another process while the executor turns, and return it when it is done."""
    command = [sys.executable, "-m", "nightseg_ros.cli.main", "status", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        executor.spin_once(timeout_sec=0.05)
    out, errors = process.communicate()
    return process.returncode, out, errors


@pytest.mark.slow
def test_running_nodes_are_reported_with_their_statuses(models_dir, tmp_path):
    parameters = {"models_dir": str(models_dir), "engine": "fake", "lazy": False}
    nodes = [
        ChildNode(
            "segmentation_node", parameters, {"__ns": "/car", "__node": "front"}, autostart=True
        ),
        ChildNode("overlay_node"),
    ]
    with child_nodes(nodes, tmp_path):
        done = status("--seconds", "8", "--json")
        assert done.returncode == 0, done.stderr
        found = {node["name"]: node for node in json.loads(done.stdout)["nodes"]}
        assert found.keys() == {"car/front", "overlay_node"}
        tasks = {task["name"]: task for task in found["car/front"]["statuses"]}
        assert (tasks["lifecycle"]["level"], tasks["lifecycle"]["message"]) == ("ok", "active")
        assert tasks["input"]["level"] == found["car/front"]["level"] == "warn"
        assert "on /car/image: no publisher" in tasks["input"]["message"]
        assert tasks["backend"]["values"]["day.engine"] == "fake"
        text = status("--seconds", "8").stdout.splitlines()
    assert "car/front: warn" in text
    assert any(line.split()[:3] == ["ok", "lifecycle", "active"] for line in text)
    assert "overlay_node: ok" in text or "overlay_node: warn" in text


@pytest.mark.slow
def test_error_is_exit_code_1_and_others_are_left_out():
    with saying("seg", callbacks=(0, "fine"), engine=(2, "hung: a frame")) as (_, executor):
        code, out, errors = turned(executor, ["--seconds", "4"])
    assert (code, errors) == (1, "")
    assert out.splitlines() == [
        "seg: ERROR",
        "  ok     callbacks  fine",
        "  ERROR  engine     hung: a frame",
    ]
    with saying("lidar", temperature=(0, "cold")) as (_, executor):
        code, out, errors = turned(executor, ["--seconds", "4"])
    assert (code, out) == (2, "")
    assert "others do: /lidar" in errors


@pytest.mark.slow
def test_node_that_is_there_and_gives_nothing_hangs():
    with saying("other") as (node, executor):
        node.create_publisher(String, "/other/labels", latched())
        code, out, _ = turned(executor, ["--seconds", "4"])
    assert code == 1
    assert out.splitlines()[0] == "other: ERROR"
    assert "has sent no diagnostics in this time: it hangs" in out


@pytest.mark.slow
def test_no_node_is_one_line_with_the_domain(alone):
    done = status("--seconds", "0.5")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        f"no node of nightseg_ros has sent /diagnostics for 0.5 s in domain {alone}" in done.stderr
    )
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "1e9"])
def test_time_that_is_none_is_refused(seconds, capsys):
    assert cli.main(["status", "--seconds", seconds]) == 2
    assert "is outside 0 to 600" in capsys.readouterr().err
