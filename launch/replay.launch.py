# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A bag played to the segmentation node in simulated time; takes what nightseg.launch.py takes.

The player starts when the node is active, so that no frame is lost to the loading of models.
"""

from __future__ import annotations

from pathlib import Path

from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.event_handlers import OnStateTransition

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.share import share_folder
from nightseg_ros.ros.launch_end import end_launch
from nightseg_ros.ros.launch_needs import require_bag, require_player

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
            OpaqueFunction(function=check),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(share_folder("launch") / "nightseg.launch.py")),
                launch_arguments={
                    "use_sim_time": "true",
                    "autostart": "true",
                    "respawn": "false",
                    "rviz": LaunchConfiguration("rviz"),
                }.items(),
            ),
            OpaqueFunction(function=play),
        ]
    )


def check(context: LaunchContext) -> None:
    """Refuse what could not be played, before anything starts."""
    require_bag(Path(LaunchConfiguration("bag").perform(context)))
    require_player()
    text = LaunchConfiguration("rate").perform(context)
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.0 < rate <= 1000.0:
        raise NightsegError(f"rate is '{text}'; it must be a number above 0, and 1000 at most")


def play(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the player, waiting for the segmentation node."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    command = ["ros2", "bag", "play", value("bag"), "--clock", "100", "--rate", value("rate")]
    if value("loop") == "true":
        command.append("--loop")
    stop_at_end = value("stop_at_end") == "true"

    def ended(event: ProcessExited, context: LaunchContext) -> list[EmitEvent] | None:
        return end_launch(event, context) if stop_at_end or event.returncode else None

    player = ExecuteProcess(cmd=command, name="player", output="screen", on_exit=ended)
    # Once: the node may be activated again, by hand or because it was started anew.
    active = OnStateTransition(goal_state="active", entities=[player], handle_once=True)
    return [RegisterEventHandler(active)]
