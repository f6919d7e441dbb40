# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag played to the segmentation node in simulated time; takes what nightseg.launch.py takes.

The player starts when the node is active, so that no frame is lost to the loading of models.
"""

from __future__ import annotations

from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.event_handlers import OnStateTransition

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from nightseg_ros.share import share_folder

BOOLEAN = ["true", "false"]


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and what is made of them."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("bag", description="Bag to play: a folder, or an .mcap file."),
            DeclareLaunchArgument(
                "rate", default_value="1.0", description="Speed of playing; 1.0 is as recorded."
            ),
            DeclareLaunchArgument(
                "loop",
                default_value="false",
                choices=BOOLEAN,
                description="Start the bag again at its end.",
            ),
            DeclareLaunchArgument(
                "rviz",
                default_value="true",
                choices=BOOLEAN,
                description="Show camera, overlay, masks and confidence in RViz.",
            ),
            DeclareLaunchArgument(
                "stop_at_end",
                default_value="true",
                choices=BOOLEAN,
                description="End everything when the bag has ended; if false, the last pictures "
                "stay.",
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(share_folder("launch") / "nightseg.launch.py")),
                launch_arguments={
                    "use_sim_time": "true",
                    "autostart": "true",
                    "rviz": LaunchConfiguration("rviz"),
                }.items(),
            ),
            OpaqueFunction(function=play),
        ]
    )


def play(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the player, waiting for the segmentation node."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    rate = float(value("rate"))
    if not 0.0 < rate <= 1000.0:
        raise ValueError(f"rate is {rate}; it must be above 0, and 1000 at most")
    command = ["ros2", "bag", "play", value("bag"), "--clock", "100", "--rate", str(rate)]
    if value("loop") == "true":
        command.append("--loop")
    player = ExecuteProcess(cmd=command, name="player", output="screen")
    actions: list[LaunchDescriptionEntity] = [
        RegisterEventHandler(OnStateTransition(goal_state="active", entities=[player]))
    ]
    if value("stop_at_end") == "true":
        end = EmitEvent(event=Shutdown(reason="the bag has ended"))
        actions.append(RegisterEventHandler(OnProcessExit(target_action=player, on_exit=[end])))
    return actions
