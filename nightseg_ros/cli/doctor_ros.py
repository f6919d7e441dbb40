# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checks of ROS 2 and of the middleware that carries the images."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from nightseg_ros.cli.doctor_checks import FAIL, OK, WARN, Check, Finding, load
from nightseg_ros.cli.doctor_middleware import CYCLONE, MIDDLEWARE_CHECKS, RECEIVE_BUFFER, ZENOH
from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.transport import (
    has_fast_dds_2,
    large_image_settings,
    rmw_in_use,
    user_setting,
)

MESSAGES = ("sensor_msgs", "std_msgs", "diagnostic_msgs", "lifecycle_msgs", "rcl_interfaces")
SHARED_MEMORY = Path("/dev/shm")  # nosec B108 # noqa: S108 - looked at, not written
ENOUGH_SHARED_MEMORY = 256 << 20
ENOUGH_RECEIVE_BUFFER = 4 << 20
RCLPY_S = 60.0
INSTALL = "source the setup.bash of your ROS 2, or pip install '.[ros]'"


def check_ros() -> list[Finding]:
    """Check the client library and the messages."""
    if end := _end_of_rclpy():
        text = f"{rmw_in_use(os.environ)} cannot be loaded: {end}"
        remedy = "install it (the ROS wheels have Fast DDS only), or unset RMW_IMPLEMENTATION"
        return [Finding("rmw", FAIL, text, remedy)]
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
    utilities = _end_of_rclpy() or load("rclpy.utilities")
    if isinstance(utilities, str):
        return []  # check_ros reports it
    try:
        name = utilities.get_rmw_implementation_identifier()
    except Exception as error:
        text = f"{rmw_in_use(os.environ)} cannot be loaded: {error}"
        return [Finding("rmw", FAIL, text, "install it, or unset RMW_IMPLEMENTATION")]
    if not str(name).startswith("rmw_fastrtps") and name not in (CYCLONE, ZENOH):
        text = f"{name}: its settings for large images are not known to this package"
        remedy = "see the manual of that middleware for messages of 3 MB and more"
        return [Finding("rmw", WARN, text, remedy)]
    return [Finding("rmw", OK, str(name))]


@cache
def _end_of_rclpy() -> str:
    """Return why rclpy would end this process, as it does where it loads another RMW than is named.

    Exceptions are left to the checks.
    """
    if not os.environ.get("RMW_IMPLEMENTATION"):
        return ""
    code = "import rclpy.utilities as ros; ros.get_rmw_implementation_identifier()"
    tried = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=RCLPY_S, check=False
    )
    if tried.returncode in (0, 1):
        return ""
    last = (tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"])[-1]
    return last.rpartition("]: ")[2]  # without level, time and name of the logger


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
        remedy = "give it 256 MiB or more; in a container: --ipc=host or --shm-size=1g"
        text = f"{free >> 20} MiB free in {SHARED_MEMORY}"
        findings.append(_judged("shared memory", free >= ENOUGH_SHARED_MEMORY, text, remedy))
    try:
        size = int(RECEIVE_BUFFER.read_text())
    except (OSError, ValueError):
        return findings
    enough, text = size >= ENOUGH_RECEIVE_BUFFER, f"receive buffer of at most {size} bytes"
    if not enough:
        text += ": raw images from other machines get lost (on one machine it does not matter)"
    remedy = "sudo sysctl -w net.core.rmem_max=33554432, or send compressed images"
    findings.append(_judged("network", enough, text, remedy))
    return findings


def _judged(what: str, good: bool, text: str, remedy: str) -> Finding:
    return Finding(what, OK, text) if good else Finding(what, WARN, text, remedy)


def check_extras() -> list[Finding]:
    """Look for packages that add something where they are installed."""
    if _end_of_rclpy() or isinstance(load("rclpy"), str):
        return []
    distro = os.environ.get("ROS_DISTRO", "DISTRO")
    found = []
    for package, topic, instead, who in (
        ("vision_msgs", "~/label_info", ", ~/labels (JSON) is", "a consumer wants LabelInfo"),
        ("tf2_msgs", "~/points", "", "a consumer wants points"),
    ):
        if isinstance(load(f"{package}.msg"), str):
            text = f"not installed: {topic} is not published{instead}"
            apt = package.replace("_", "-")
            remedy = f"sudo apt install ros-{distro}-{apt}, where {who}"
            found.append(Finding(package, WARN, text, remedy))
        else:
            found.append(Finding(package, OK, f"installed: {topic} is published"))
    bridge = load("cv_bridge")
    text = "not needed" if isinstance(bridge, str) else "installed; used for rare encodings only"
    found.append(Finding("cv_bridge", OK, text))
    return found


ROS_CHECKS: tuple[Check, ...] = (
    check_ros,
    check_rmw,
    check_transport,
    *MIDDLEWARE_CHECKS,
    check_memory,
    check_extras,
)
