# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The environment variables that let Fast DDS carry camera images, set before ROS starts.

With the defaults of Fast DDS a best-effort subscriber loses nearly every 1280x720 image, because
one image is larger than the shared-memory segment of its sender. Two settings fix this:

profile     an XML profile with a larger segment. Only the sender of the images needs it, and it
            works with participants of any settings. It also releases the buffers of messages:
            by default Fast DDS keeps as many as it ever needed. The default.
large_data  FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA, from ROS 2 Kilted on (Fast DDS 3). Every process
            of the graph must have it, `ros2 topic` and RViz included: others receive nothing.
            It loses most images where ROS_AUTOMATIC_DISCOVERY_RANGE is LOCALHOST.
off         change nothing.

A setting of the user is never changed. The daemon of the ros2 command has its own environment,
which this does not affect.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from importlib import metadata

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.share import share_folder

MODES = ("profile", "large_data", "off")
PROFILE_NAME = "fastdds_large_images.xml"

_BUILTIN = "FASTDDS_BUILTIN_TRANSPORTS"
_PROFILE_3, _PROFILE_2 = "FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"
"""The names in Fast DDS 3 and Fast DDS 2; each warns about the name of the other."""
_FROM_XML = "RMW_FASTRTPS_USE_QOS_FROM_XML"
"""Makes ROS take the memory policy of buffers from the profile, and nothing else."""
_RANGE = "ROS_AUTOMATIC_DISCOVERY_RANGE"
_WITH_FAST_DDS_2 = ("humble", "iron", "jazzy")


def rmw_in_use(env: Mapping[str, str]) -> str:
    """Return the RMW that a process with this environment loads; Fast DDS is ROS 2's default."""
    return env.get("RMW_IMPLEMENTATION") or "rmw_fastrtps_cpp"


def user_setting(env: Mapping[str, str]) -> str:
    """Return `NAME=value` of a Fast DDS transport setting that is in `env`, or an empty text."""
    for name in (_BUILTIN, _PROFILE_3, _PROFILE_2):
        if env.get(name):
            return f"{name}={env[name]}"
    return ""


def has_fast_dds_2(env: Mapping[str, str]) -> bool:
    """Return whether ROS uses Fast DDS 2 (Jazzy or earlier), sourced or as wheels."""
    if env.get("ROS_DISTRO"):
        return env["ROS_DISTRO"] in _WITH_FAST_DDS_2
    try:
        return bool(metadata.version("ros-fastrtps"))
    except metadata.PackageNotFoundError:
        return False


def large_image_settings(env: Mapping[str, str], mode: str = "profile") -> dict[str, str]:
    """Return the variables to add to `env`; none where the user has chosen or it is not Fast DDS.

    >>> large_image_settings({"ROS_DISTRO": "kilted"}, "large_data")
    {'FASTDDS_BUILTIN_TRANSPORTS': 'LARGE_DATA'}
    >>> large_image_settings({"FASTDDS_BUILTIN_TRANSPORTS": "UDPv4"})
    {}
    """
    if mode not in MODES:
        raise NightsegError(f"large_images is '{mode}'; it must be one of {', '.join(MODES)}")
    if mode == "off" or user_setting(env) or not rmw_in_use(env).startswith("rmw_fastrtps"):
        return {}
    if mode == "large_data":
        if has_fast_dds_2(env):
            raise NightsegError(
                "large_images is 'large_data', which loses images before ROS 2 Kilted "
                "(Fast DDS 2); use 'profile'"
            )
        if env.get(_RANGE, "").upper() == "LOCALHOST":
            raise NightsegError(
                f"large_images is 'large_data', which loses images where {_RANGE}=LOCALHOST; "
                "use 'profile'"
            )
        return {_BUILTIN: "LARGE_DATA"}
    profile = share_folder("config") / PROFILE_NAME
    if not profile.is_file():
        raise NightsegError(
            f"the Fast DDS profile {profile} is missing; reinstall the package, "
            "or set large_images to 'off'"
        )
    settings = {_PROFILE_2 if has_fast_dds_2(env) else _PROFILE_3: str(profile)}
    return settings if env.get(_FROM_XML) else {**settings, _FROM_XML: "1"}


def apply_large_image_transport(env: MutableMapping[str, str], mode: str = "profile") -> str:
    """Add the settings to `env` (os.environ, before rclpy.init) and return a line for the log."""
    present = user_setting(env)
    settings = large_image_settings(env, mode)
    env.update(settings)
    if settings:
        name, value = next(iter(settings.items()))
        return f"large images: {name}={value}"
    if present:
        return f"large images: left as set by the user, {present}"
    return f"large images: settings of {rmw_in_use(env)} unchanged"


def lost_images_remedy(env: Mapping[str, str]) -> str:
    """Return the remedy for images that the middleware loses between sender and node."""
    if rmw_in_use(env).startswith("rmw_fastrtps"):
        name = _PROFILE_2 if has_fast_dds_2(env) else _PROFILE_3
        where = share_folder("config") / PROFILE_NAME
        return f"start the camera driver with {name}={where}, or have it send compressed images"
    return (
        "sudo sysctl -w net.core.rmem_max=33554432 on both machines, or have the camera driver "
        "send compressed images"
    )


def security_remedy(error: str) -> str:
    """Return the remedy for an error of ROS about missing security; empty for other errors."""
    if "doesn't have the security libraries" not in error:
        return ""
    return (
        "ROS_SECURITY_ENABLE is 'true', but this Fast DDS was built without security, like that of "
        "the ROS wheels is: use the ROS 2 packages of your distribution, or "
        "unset ROS_SECURITY_ENABLE"
    )
