# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg run`: the graph of launch/nightseg.launch.py, where there is no `ros2 launch`."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from nightseg_ros.cli.node_processes import NodeProcesses
from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.known_parameters import PARAMETERS, unknown_parameter
from nightseg_ros.ros.transport import MODES, apply_large_image_transport

SEGMENTATION, OVERLAY = "segmentation_node", "overlay_node"
LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("--params-file", type=Path, metavar="FILE", help="YAML with parameters")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of either node, for example --set route=night; may be given often",
    )
    parser.add_argument(
        "--camera-topic",
        action="append",
        default=[],
        metavar="[NAME=]TOPIC",
        help="images of the camera, with camera_info beside them; several cameras need names",
    )
    parser.add_argument(
        "--remap", action="append", default=[], metavar="FROM:=TO", help="remap a topic or name"
    )
    parser.add_argument("--namespace", default="", help="namespace of the nodes")
    parser.add_argument("--overlay", action="store_true", help="start the overlay node too")
    parser.add_argument(
        "--no-autostart",
        action="store_true",
        help="leave the segmentation node unconfigured, for a lifecycle manager",
    )
    parser.add_argument("--log-level", choices=LOG_LEVELS, default="info", help="(default: info)")
    parser.add_argument("--use-sim-time", action="store_true", help="take the time from /clock")
    parser.add_argument(
        "--large-images",
        choices=MODES,
        default="profile",
        help="how Fast DDS is set up for camera images (default: profile)",
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Run the nodes until SIGINT or SIGTERM, or until the segmentation node ends."""
    if importlib.util.find_spec("rclpy") is None:
        raise ModuleNotFoundError("No module named 'rclpy'", name="rclpy")
    ros_arguments = ros_args(args)
    env = dict(os.environ)
    print(f"nightseg: {apply_large_image_transport(env, args.large_images)}", file=sys.stderr)
    nodes = {SEGMENTATION: [] if args.no_autostart else ["--autostart"]}
    if args.overlay:
        nodes[OVERLAY] = []
    commands = {name: command(name, options, ros_arguments) for name, options in nodes.items()}
    return {"exit_codes": NodeProcesses(commands, env).run(), "exit_code": 0}


def render(result: dict[str, object]) -> str:
    """Return nothing: the nodes have told what there is to tell."""
    return ""


def ros_args(args: argparse.Namespace) -> list[str]:
    """Return the ROS arguments of both nodes; each takes what it knows."""
    words = ["--ros-args", "--log-level", args.log_level]
    if args.params_file is not None:
        if not args.params_file.is_file():
            raise NightsegError(f"there is no params file {args.params_file}; name a YAML file")
        words += ["--params-file", str(args.params_file)]
    if args.namespace:
        words += ["-r", f"__ns:=/{args.namespace.strip('/')}"]
    if args.use_sim_time:
        words += ["-p", "use_sim_time:=true"]
    cameras = []
    for given in args.camera_topic:
        name, _, topic = given.rpartition("=")
        cameras.append(name)
        base = f"{name}/" if name else ""
        for source, target in (
            ("image", topic),
            ("image/compressed", f"{topic}/compressed"),
            ("camera_info", f"{topic.rpartition('/')[0]}/camera_info".lstrip("/")),
        ):
            target = f"/{target}" if topic.startswith("/") else target
            words += ["-r", f"{base}{source}:={target.replace('//', '/')}"]
    if len(cameras) > 1 and "" in cameras:
        raise NightsegError(
            f"--camera-topic {' '.join(args.camera_topic)}: several cameras need names; "
            "give NAME=TOPIC for each"
        )
    if any(cameras):
        words += ["-p", f"cameras:=[{', '.join(cameras)}]"]
    for given in args.set:
        words += ["-p", _parameter(given)]
    for given in args.remap:
        if ":=" not in given:
            raise NightsegError(f"--remap '{given}' is not FROM:=TO")
        words += ["-r", given]
    return words


def _parameter(given: str) -> str:
    """Return `--set NAME=VALUE` as ROS wants it; ROS itself would ignore a misspelt name."""
    name, equals, value = given.partition("=")
    name, value = name.strip().removesuffix(":"), value.strip()
    if not equals or not name:
        raise NightsegError(f"--set '{given}' is not NAME=VALUE")
    if fault := unknown_parameter(name):
        raise NightsegError(f"--set {fault}")
    if isinstance(PARAMETERS.get(name), str):
        value = "'" + value.replace("'", "''") + "'"  # else a model called 1e5 would be a number
    return f"{name}:={value}"


def command(node: str, options: Sequence[str], ros_arguments: Sequence[str]) -> list[str]:
    """Return the command of one node; in this Python, whatever is first in the PATH."""
    return [sys.executable, "-m", "nightseg_ros.ros.executables", node, *options, *ros_arguments]
