# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg run` starts the graph, ends it well, and reports in one line why it could not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support import models as tiny
from support.lifecycle import state_of
from support.patience import PATIENCE_S
from support.verbs import parsed

from nightseg_ros.cli import main as cli
from nightseg_ros.cli import run
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.image_messages import fill_image

REPOSITORY = Path(__file__).resolve().parents[2]


def arguments(*words):
    return run.ros_args(parsed("run", *words))


def pairs(words, option):
    return [words[i + 1] for i, word in enumerate(words) if word == option]


def test_one_camera_brings_its_calibration():
    words = arguments("--camera-topic", "/front/image_raw")
    assert pairs(words, "-r") == [
        "image:=/front/image_raw",
        "image/compressed:=/front/image_raw/compressed",
        "camera_info:=/front/camera_info",
    ]
    assert pairs(words, "-p") == []
    assert "camera_info:=camera_info" in pairs(arguments("--camera-topic", "image_raw"), "-r")
    assert "camera_info:=/camera_info" in pairs(arguments("--camera-topic", "/image"), "-r")


def test_several_cameras_are_named():
    words = arguments("--camera-topic", "front=/f/image", "--camera-topic", "left=/l/image")
    assert "left/image:=/l/image" in pairs(words, "-r")
    assert "front/camera_info:=/f/camera_info" in pairs(words, "-r")
    assert pairs(words, "-p") == ["cameras:=[front, left]"]
    with pytest.raises(NightsegError, match="several cameras need names"):
        arguments("--camera-topic", "front=/f/image", "--camera-topic", "/l/image")


def test_topic_of_compressed_images_gets_its_remedy():
    remedy = "give front=/f/image and --set input_transport=compressed"
    with pytest.raises(NightsegError, match=remedy):
        arguments("--camera-topic", "front=/f/image/compressed")


def test_parameters_keep_the_types_of_their_table():
    words = arguments(
        *("--set", "day_model=1e5"),
        *("--set", "max_rate_hz=5"),
        *("--set", "diagnostics.period_s=0.5"),
        *("--set", "alpha = 0.3"),
        *("--set", "models_dir=/it's"),
    )
    assert pairs(words, "-p") == [
        "day_model:='1e5'",
        "max_rate_hz:=5",
        "diagnostics.period_s:=0.5",
        "alpha:=0.3",
        "models_dir:='/it''s'",
    ]


def test_models_are_named_as_for_the_other_verbs(tmp_path, monkeypatch):
    folder = tiny.models_folder(tmp_path / "models")
    monkeypatch.setenv("NIGHTSEG_MODELS", str(folder))
    assert pairs(arguments("--model", "tiny_night", "--set", "engine=fake"), "-p") == [
        f"night_model:='{folder / 'tiny_night'}'",
        "allowed_routes:=[night]",
        "engine:='fake'",
    ]
    both = ("--model", str(folder / "tiny_day"), "--model", "tiny_night")
    assert pairs(arguments(*both), "-p")[-1] == "allowed_routes:=[day, night]"
    monkeypatch.delenv("NIGHTSEG_MODELS")
    words = arguments("--models", str(folder), "--model", "tiny_translator")
    assert pairs(words, "-p") == [
        f"models_dir:='{folder}'",
        f"translator_model:='{folder / 'tiny_translator'}'",
        f"day_model:='{folder / 'tiny_day'}'",
        "allowed_routes:=[translate]",
    ]
    with pytest.raises(NightsegError, match="did you mean 'tiny_night'"):
        arguments("--models", str(folder), "--model", "tiny_nihgt")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "route"), "--set 'route' is not NAME=VALUE"),
        (("--set", "ruote=day"), "--set ruote: there is no such parameter; did you mean route"),
        (("--remap", "a=b"), "--remap 'a=b' is not FROM:=TO"),
        (("--params-file", "nowhere.yaml"), "there is no params file 'nowhere.yaml'"),
    ],
)
def test_what_ros_would_ignore_is_refused(words, said):
    with pytest.raises(NightsegError, match=said):
        arguments(*words)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ((), "/segmentation_node"),
        (("--namespace", "car"), "/car/segmentation_node"),
        (("--remap", "__ns:=/bus"), "/bus/segmentation_node"),
        (("--remap", "segmentation_node:__node:=seg"), "/seg"),
    ],
)
def test_a_section_of_the_params_file_that_reaches_no_node_is_reported(
    tmp_path, capsys, words, name
):
    file = tmp_path / "params.yaml"
    for section in (name, "other"):
        file.write_text(f"{section}:\n  ros__parameters:\n    route: night\n")
        arguments("--params-file", str(file), *words)
        said = capsys.readouterr().err
        assert said.startswith("nightseg: params file") == (section == "other"), said
        assert ("nothing of /other reaches" in said) == (section == "other")


def test_without_ros_the_remedy_is_reported(monkeypatch, capsys):
    monkeypatch.setattr(run.importlib.util, "find_spec", lambda name: None)
    assert cli.main(["run"]) == 2
    assert "source the setup.bash" in capsys.readouterr().err


def start(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "nightseg_ros.cli.main", "run", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )


def children(pid):
    """Return the processes that were started by `pid` and are not dead yet."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


@pytest.mark.ros
@pytest.mark.slow
def test_the_graph_runs_and_ends_when_interrupted(models_dir, tmp_path):
    rclpy = pytest.importorskip("rclpy")
    from sensor_msgs.msg import Image

    params = tmp_path / "params.yaml"
    params.write_text(
        f"/**:\n  ros__parameters:\n    engine: fake\n    models_dir: {models_dir}\n"
        "    route: night\n"
    )
    process = start(
        *("--params-file", str(params), "--set", "route=day", "--overlay", "--json"),
        *("--camera-topic", "/front/image_raw", "--namespace", "car"),
        *("--remap", "segmentation_node/confidence:=sure"),
    )
    rclpy.init()
    node = rclpy.create_node("viewer")
    seen = {"mask": 0, "overlay": 0, "route": set()}

    def count(what):
        def callback(_):
            seen[what] += 1

        return callback

    try:
        from std_msgs.msg import String

        node.create_subscription(Image, "/car/segmentation_node/mask", count("mask"), 1)
        node.create_subscription(Image, "/car/overlay_node/overlay", count("overlay"), 1)
        node.create_subscription(
            String, "/car/segmentation_node/route", lambda m: seen["route"].add(m.data), 1
        )
        camera = node.create_publisher(Image, "/front/image_raw", 1)
        message = fill_image(Image(), np.zeros((48, 64, 3), np.uint8), "bgr8")
        end = time.monotonic() + PATIENCE_S
        while not (seen["mask"] and seen["overlay"] and seen["route"]) and time.monotonic() < end:
            message.header.stamp = node.get_clock().now().to_msg()
            camera.publish(message)
            rclpy.spin_once(node, timeout_sec=0.05)
        topics = dict(node.get_topic_names_and_types())
        mine = children(process.pid)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
        node.destroy_node()
        rclpy.shutdown()
    assert process.returncode == 0, errors
    assert seen["mask"], errors
    assert seen["overlay"], errors
    assert seen["route"] == {"day"}
    assert "/car/sure" in topics
    assert json.loads(output)["exit_codes"] == {"segmentation_node": 0, "overlay_node": 0}
    assert "Traceback" not in errors
    assert "large images: FAST" in errors or "left as" in errors
    assert len(mine) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in mine)


@pytest.mark.ros
@pytest.mark.slow
def test_a_node_that_cannot_be_configured_ends_it_with_the_reason(tmp_path):
    process = start("--set", "engine=fake", "--set", f"models_dir={tmp_path}", "--overlay")
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    last = "nightseg: error: segmentation_node could not be configured; see its log for the cause"
    assert errors.strip().splitlines()[-1] == last
    assert errors.count("could not configure: ") == 1
    assert errors.count("there is no usable model in") == 1
    assert "Traceback" not in errors


@pytest.mark.ros
@pytest.mark.slow
def test_without_autostart_the_node_waits(tmp_path):
    rclpy = pytest.importorskip("rclpy")

    process = start("--no-autostart", "--set", f"models_dir={tmp_path}")
    rclpy.init()
    node = rclpy.create_node("manager")
    try:
        assert state_of(node, "segmentation_node", "unconfigured") == "unconfigured"
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
        node.destroy_node()
        rclpy.shutdown()
    assert process.returncode == 0, errors
