# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is missing is named with its remedy, before a launch starts anything."""

from __future__ import annotations

import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.launch_needs import require_bag, require_player, require_rviz


@pytest.fixture
def prefix(tmp_path, monkeypatch):
    """Return the prefix of an installation in which nothing is installed."""
    index = tmp_path / "ros" / "share" / "ament_index" / "resource_index" / "packages"
    index.mkdir(parents=True)
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{tmp_path / 'ros'}")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("ROS_DISTRO", "kilted")
    return index


def test_rviz(prefix, monkeypatch):
    said = r"rviz2 is not installed: sudo apt install ros-kilted-rviz2, or set rviz:=false"
    with pytest.raises(NightsegError, match=said):
        require_rviz()
    (prefix / "rviz2").touch()
    require_rviz()
    monkeypatch.delenv("AMENT_PREFIX_PATH")
    with pytest.raises(NightsegError, match="rviz2 is not installed"):
        require_rviz()


def test_player(prefix, tmp_path):
    with pytest.raises(NightsegError, match=r"command ros2.*apt install ros-kilted-ros2bag"):
        require_player()
    command = tmp_path / "bin" / "ros2"
    command.parent.mkdir()
    command.touch(0o755)
    with pytest.raises(NightsegError, match="ros2bag is not installed: sudo apt install ros-kil"):
        require_player()
    (prefix / "ros2bag").touch()
    require_player()


@pytest.mark.parametrize("name", ["drive.mcap", "drive.db3", "drive/metadata.yaml"])
def test_bags(tmp_path, name):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.touch()
    require_bag(file.parent if file.name == "metadata.yaml" else file)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "there is no bag '.*drive'; name a rosbag2 folder"),
        (["drive"], "drive' is not a bag; name a rosbag2 folder"),
        (
            ["drive/notes.txt"],
            "has no metadata.yaml, so it is not a bag; name the folder of one bag",
        ),
        (["drive/drive_0.mcap"], "has no metadata.yaml, so it is not a bag; ros2 bag reindex '"),
    ],
)
def test_what_is_no_bag(tmp_path, files, said):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(NightsegError, match=said):
        require_bag(tmp_path / "drive")
