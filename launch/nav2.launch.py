# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The segmentation node as Nav2's segmentation layer wants it; takes what nightseg.launch.py takes.

Start Nav2 beside it with config/nav2/segmentation_layer.yaml merged into its parameters.
"""

from __future__ import annotations

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

from launch import LaunchDescription
from nightseg_ros.files.share import share_folder

CONFIG = share_folder("config")


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and what is made of them."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "params_file",
                default_value=str(CONFIG / "nav2" / "nightseg.yaml"),
                description="YAML file with parameters of the nodes: masks at the size of the "
                "network, and the frame of the ground.",
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(share_folder("launch") / "nightseg.launch.py")),
                launch_arguments={"params_file": LaunchConfiguration("params_file")}.items(),
            ),
        ]
    )
