# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg run`: the graph of launch/nightseg.launch.py, where there is no `ros2 launch`."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nightseg_ros.cli.node_processes import NodeProcesses
from nightseg_ros.cli.options.fields import flag, nested, option
from nightseg_ros.cli.options.models import ModelOptions, model_parameters
from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.params_file import PARAMETERS, params_file_warning, unknown_parameter
from nightseg_ros.ros.transport import MODES, apply_large_image_transport

SEGMENTATION, OVERLAY = "segmentation_node", "overlay_node"
LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg run`."""

    params_file: Path | None = option("YAML with parameters", None, metavar="FILE")
    models: ModelOptions = nested(ModelOptions)
    set: tuple[str, ...] = option(
        "a parameter of either node, for example --set route=night; may be given often",
        (),
        metavar="NAME=VALUE",
    )
    camera_topic: tuple[str, ...] = option(
        "images of the camera, with camera_info beside them; several cameras need names",
        (),
        metavar="[NAME=]TOPIC",
    )
    remap: tuple[str, ...] = option("remap a topic or name", (), metavar="FROM:=TO")
    namespace: str = option("namespace of the nodes", "")
    overlay: bool = flag("start the overlay node too")
    no_autostart: bool = flag("leave the segmentation node unconfigured, for a lifecycle manager")
    log_level: str = option("(default: info)", "info", choices=LOG_LEVELS)
    use_sim_time: bool = flag("take the time from /clock")
    large_images: str = option(
        "how Fast DDS is set up for camera images (default: profile)", "profile", choices=MODES
    )


def run(options: Options) -> dict[str, object]:
    """Run the nodes until SIGINT or SIGTERM, or until the segmentation node ends."""
    if importlib.util.find_spec("rclpy") is None:
        raise ModuleNotFoundError("No module named 'rclpy'", name="rclpy")
    ros_arguments = ros_args(options)
    env = dict(os.environ)
    print(f"nightseg: {apply_large_image_transport(env, options.large_images)}", file=sys.stderr)
    nodes = {SEGMENTATION: [] if options.no_autostart else ["--autostart"]}
    if options.overlay:
        nodes[OVERLAY] = []
    commands = {name: command(name, options, ros_arguments) for name, options in nodes.items()}
    return {"exit_codes": NodeProcesses(commands, env).run(), "exit_code": 0}


def render(_: dict[str, object]) -> str:
    """Return nothing: the nodes log themselves."""
    return ""


def ros_args(options: Options) -> list[str]:
    """Return the ROS arguments of both nodes; each takes what it knows."""
    words = ["--ros-args", "--log-level", options.log_level]
    if options.params_file is not None:
        if warning := params_file_warning(options.params_file, _full_names(options)):
            print(f"nightseg: {warning}", file=sys.stderr)
        words += ["--params-file", str(options.params_file)]
    if options.namespace:
        words += ["-r", f"__ns:=/{options.namespace.strip('/')}"]
    if options.use_sim_time:
        words += ["-p", "use_sim_time:=true"]
    cameras = []
    for given in options.camera_topic:
        name, _, topic = given.rpartition("=")
        if topic.endswith("/compressed"):
            raise NightsegError(
                f"--camera-topic {given} is that of compressed images; give "
                f"{given.removesuffix('/compressed')} and --set input_transport=compressed"
            )
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
            f"--camera-topic {' '.join(options.camera_topic)}: several cameras need names; "
            "give NAME=TOPIC for each"
        )
    if any(cameras):
        words += ["-p", f"cameras:=[{', '.join(cameras)}]"]
    for name, value in _models(options).items():
        words += ["-p", f"{name}:={_yaml(value)}"]
    for given in options.set:
        words += ["-p", _parameter(given)]
    for given in options.remap:
        if ":=" not in given:
            raise NightsegError(f"--remap '{given}' is not FROM:=TO")
        words += ["-r", given]
    return words


def _models(options: Options) -> dict[str, object]:
    """Return the parameters that --models and --model stand for."""
    parameters: dict[str, object] = {}
    if options.models.models is not None:
        parameters["models_dir"] = str(options.models.folder.resolve())
    if options.models.labels_as:
        parameters["labels_as"] = options.models.labels_as
    if options.models.model:
        parameters |= model_parameters(*options.models.choose(None))
    return parameters


def _full_names(options: Options) -> list[str]:
    """Return the names of the nodes with their namespace, as --remap may change them."""
    namespace, names = options.namespace, [SEGMENTATION, OVERLAY]
    for given in options.remap:
        name, _, new = given.partition(":=")
        if name == "__ns":
            namespace = new
        elif name.endswith("__node"):
            names.append(new)
    above = f"/{namespace.strip('/')}" if namespace.strip("/") else ""
    return [f"{above}/{name}" for name in names]


def _parameter(given: str) -> str:
    """Return `--set NAME=VALUE` as ROS wants it; ROS itself would ignore a misspelt name."""
    name, equals, value = given.partition("=")
    name, value = name.strip().removesuffix(":"), value.strip()
    if not equals or not name:
        raise NightsegError(f"--set '{given}' is not NAME=VALUE")
    if fault := unknown_parameter(name):
        raise NightsegError(f"--set {fault}")
    if isinstance(PARAMETERS.get(name), str):
        value = _yaml(value)
    return f"{name}:={value}"


def _yaml(value: object) -> str:
    """Return a text, or a list of words, as ROS reads it."""
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    quoted = str(value).replace("'", "''")
    return f"'{quoted}'"  # else a model called 1e5 would be a number


def command(node: str, options: Sequence[str], ros_arguments: Sequence[str]) -> list[str]:
    """Return the command of one node; in this Python, not the first of the PATH."""
    return [sys.executable, "-m", "nightseg_ros.ros.executables", node, *options, *ros_arguments]
