# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checks what the launch files need besides this package, before they start anything.

A launch that fails half-way leaves the processes that it has already started running.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from nightseg_ros.errors import NightsegError

_INDEX = Path("share", "ament_index", "resource_index", "packages")
_PLAYABLE = (".mcap", ".db3")


def require_rviz() -> None:
    """Raise where RViz is not installed."""
    if not _installed("rviz2"):
        raise NightsegError(f"rviz is 'true', but {_missing('rviz2')}, or set rviz:=false")


def require_player() -> None:
    """Raise where `ros2 bag play` is not installed."""
    if shutil.which("ros2") is None:
        raise NightsegError(
            f"the command ros2, which plays bags, is not installed; {_apt('ros2bag')}"
        )
    if not _installed("ros2bag"):
        raise NightsegError(f"`ros2 bag play` cannot run: {_missing('ros2bag')}")


def require_bag(bag: Path) -> None:
    """Raise where `ros2 bag play` could not play this."""
    if not bag.exists():
        raise NightsegError(f"there is no bag '{bag}'; name a rosbag2 folder, an .mcap or a .db3")
    if bag.is_file() and bag.suffix not in _PLAYABLE:
        raise NightsegError(f"'{bag}' is not a bag; name a rosbag2 folder, an .mcap or a .db3")
    if bag.is_dir() and not (bag / "metadata.yaml").is_file():
        parts = any(file.suffix in _PLAYABLE for file in bag.iterdir())
        remedy = f"ros2 bag reindex '{bag}'" if parts else "name the folder of one bag"
        raise NightsegError(
            f"the folder '{bag}' has no metadata.yaml, so it is not a bag; {remedy}"
        )


def _installed(package: str) -> bool:
    prefixes = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    return any(Path(prefix, _INDEX, package).is_file() for prefix in prefixes if prefix)


def _missing(package: str) -> str:
    return f"{package} is not installed: {_apt(package)}"


def _apt(package: str) -> str:
    return f"sudo apt install ros-{os.environ.get('ROS_DISTRO', '$ROS_DISTRO')}-{package}"
