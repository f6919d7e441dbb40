# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checks of ROS 2 and of the middleware that carries the images."""

from __future__ import annotations

import contextlib
import os
import shutil
from importlib import metadata
from pathlib import Path

from nightseg_ros.cli.doctor_checks import FAIL, OK, WARN, Check, Finding, load
from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.transport import (
    has_fast_dds_2,
    large_image_settings,
    rmw_in_use,
    user_setting,
)

MESSAGES = ("sensor_msgs", "std_msgs", "diagnostic_msgs", "lifecycle_msgs", "rcl_interfaces")
SHARED_MEMORY = Path("/dev/shm")  # nosec B108 # noqa: S108 - looked at, not written
RECEIVE_BUFFER = Path("/proc/sys/net/core/rmem_max")
ENOUGH_SHARED_MEMORY = 256 << 20
ENOUGH_RECEIVE_BUFFER = 4 << 20
INSTALL = "source the setup.bash of your ROS 2, or pip install '.[ros]'"


def check_ros() -> list[Finding]:
    """Check the client library and the messages."""
    rclpy = load("rclpy")
    if isinstance(rclpy, str):
        return [Finding("ros", FAIL, rclpy, INSTALL)]
    missing = {name: why for name in MESSAGES if isinstance(why := load(f"{name}.msg"), str)}
    if missing:
        why = next(iter(missing.values()))
        return [
            Finding("ros", FAIL, f"messages are missing: {', '.join(missing)} ({why})", INSTALL)
        ]
    distro = os.environ.get("ROS_DISTRO")
    origin = f"ROS 2 {distro}" if distro else "ROS 2 from wheels; no ROS_DISTRO is sourced"
    with contextlib.suppress(metadata.PackageNotFoundError):
        origin += f", rclpy {metadata.version('rclpy')}"
    return [Finding("ros", OK, origin)]


def check_rmw() -> list[Finding]:
    """Ask which middleware really loads."""
    utilities = load("rclpy.utilities")
    if isinstance(utilities, str):
        return []  # check_ros tells
    try:
        name = utilities.get_rmw_implementation_identifier()
    except Exception as error:
        text = f"{rmw_in_use(os.environ)} cannot be loaded: {error}"
        return [Finding("rmw", FAIL, text, "install it, or unset RMW_IMPLEMENTATION")]
    if not str(name).startswith("rmw_fastrtps"):
        text = f"{name}: its settings for large images are not known to this package"
        remedy = "see the manual of that middleware for messages of 3 MB and more"
        return [Finding("rmw", WARN, text, remedy)]
    return [Finding("rmw", OK, str(name))]


def check_transport() -> list[Finding]:
    """Check whether camera images get through Fast DDS in processes started from this shell."""
    env = os.environ
    if not rmw_in_use(env).startswith("rmw_fastrtps"):
        return []
    old, chosen = has_fast_dds_2(env), user_setting(env)
    name, _, value = chosen.partition("=")
    try:
        bare = {k: v for k, v in env.items() if "DEFAULT_PROFILES_FILE" not in k and k != name}
        setting = next(iter(large_image_settings(bare).items()), ("", ""))
    except NightsegError as error:
        return [Finding("transport", FAIL, str(error), "install the package again")]
    export = f"export {setting[0]}={setting[1]}"
    if not chosen:
        text = (
            "Fast DDS with its defaults loses most images over 0.5 MB; `nightseg run` and the "
            "launch files set their nodes right, a camera driver started by itself is not"
        )
        return [Finding("transport", WARN, text, f"for the driver: {export}")]
    if name == "FASTDDS_BUILTIN_TRANSPORTS":
        return [_builtin(value, old, export)]
    if not Path(value).is_file():
        text = f"{chosen}, but there is no such file: the defaults apply"
        return [Finding("transport", FAIL, text, export)]
    if not env.get(setting[0]):
        text = f"{name} is not read by this Fast DDS: the defaults apply"
        return [Finding("transport", WARN, text, f"export {setting[0]}={value}")]
    return [Finding("transport", OK, f"profile {env[setting[0]]}")]


def _builtin(value: str, old: bool, export: str) -> Finding:
    text = f"FASTDDS_BUILTIN_TRANSPORTS={value}"
    other = f"unset FASTDDS_BUILTIN_TRANSPORTS; {export}"
    if not value.startswith("LARGE_DATA"):
        return Finding("transport", WARN, f"{text} may lose large images", other)
    if old:
        return Finding("transport", WARN, f"{text} loses large images before Kilted", other)
    if os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "").upper() == "LOCALHOST":
        text += " loses images where ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST"
        return Finding("transport", WARN, text, other)
    return Finding("transport", OK, f"{text}; every process of the graph needs it")


def check_memory() -> list[Finding]:
    """Check shared memory for images of this machine, and socket buffers for those of others."""
    findings = []
    try:
        free = shutil.disk_usage(SHARED_MEMORY).free
    except OSError as error:
        text = f"{SHARED_MEMORY} cannot be used ({error.strerror})"
        remedy = "mount a tmpfs there; in a container: --ipc=host or --shm-size=1g"
        findings.append(Finding("shared memory", WARN, text, remedy))
    else:
        text = f"{free >> 20} MiB free in {SHARED_MEMORY}"
        if free < ENOUGH_SHARED_MEMORY:
            remedy = "give it 256 MiB or more; in a container: --ipc=host or --shm-size=1g"
            findings.append(Finding("shared memory", WARN, text, remedy))
        else:
            findings.append(Finding("shared memory", OK, text))
    try:
        size = int(RECEIVE_BUFFER.read_text())
    except (OSError, ValueError):
        return findings
    text = f"receive buffer of at most {size} bytes"
    if size < ENOUGH_RECEIVE_BUFFER:
        text += ": raw images from other machines get lost (on one machine it does not matter)"
        remedy = "sudo sysctl -w net.core.rmem_max=33554432, or send compressed images"
        findings.append(Finding("network", WARN, text, remedy))
    else:
        findings.append(Finding("network", OK, text))
    return findings


def check_extras() -> list[Finding]:
    """Look for packages that add something where they are installed."""
    if isinstance(load("rclpy"), str):
        return []
    distro = os.environ.get("ROS_DISTRO", "DISTRO")
    found = []
    vision = load("vision_msgs.msg")
    if isinstance(vision, str):
        text = "not installed: ~/label_info is not published, ~/labels (JSON) is"
        remedy = f"sudo apt install ros-{distro}-vision-msgs, where a consumer wants LabelInfo"
        found.append(Finding("vision_msgs", WARN, text, remedy))
    else:
        found.append(Finding("vision_msgs", OK, "installed: ~/label_info is published"))
    bridge = load("cv_bridge")
    text = "not needed" if isinstance(bridge, str) else "installed; used for rare encodings only"
    found.append(Finding("cv_bridge", OK, text))
    return found


ROS_CHECKS: tuple[Check, ...] = (
    check_ros,
    check_rmw,
    check_transport,
    check_memory,
    check_extras,
)
