# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The segmentation node as a vehicle starts it, with the overlay node and RViz on request.

An argument whose default is from_params leaves its parameter to the params_file. What is missing
is refused before anything starts.
"""

from __future__ import annotations

import os
from pathlib import Path

from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.event_handlers import OnProcessStart
from launch.events import matches_action
from launch.logging import get_logger
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from launch_ros.parameter_descriptions import ParameterValue
from lifecycle_msgs.msg import Transition

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from nightseg_ros.files.share import share_folder
from nightseg_ros.ros.launch_end import end_launch
from nightseg_ros.ros.launch_needs import require_rviz
from nightseg_ros.ros.params_file import params_file_warning
from nightseg_ros.ros.transport import large_image_settings

PACKAGE = "nightseg_ros"
CONFIG = share_folder("config")
FROM_PARAMS = "from_params"
BOOLEAN = ["true", "false"]
RESPAWN_S = 2.0


def generate_launch_description() -> LaunchDescription:
    """Return the arguments and what is made of them."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "params_file",
                default_value=str(CONFIG / "nightseg.yaml"),
                description="YAML file with parameters of the nodes.",
            ),
            DeclareLaunchArgument(
                "namespace",
                default_value="",
                description="Namespace of the nodes and of their relative topics.",
            ),
            DeclareLaunchArgument(
                "node_name",
                default_value="segmentation_node",
                description="Name of the segmentation node; its outputs are below it.",
            ),
            DeclareLaunchArgument(
                "image_topic",
                default_value="image",
                description="Images of the camera; compressed ones are at IMAGE_TOPIC/compressed. "
                "For one camera; several cameras are named by the parameter cameras.",
            ),
            DeclareLaunchArgument(
                "camera_info_topic",
                default_value="camera_info",
                description="Calibration of the camera; passed on with the masks.",
            ),
            DeclareLaunchArgument(
                "input_transport",
                default_value=FROM_PARAMS,
                choices=[FROM_PARAMS, "raw", "compressed"],
                description="Take raw images or compressed ones.",
            ),
            DeclareLaunchArgument(
                "route",
                default_value=FROM_PARAMS,
                choices=[FROM_PARAMS, "auto", "day", "night", "translate", "fused"],
                description="Route of the frames; auto decides for each by its illumination.",
            ),
            DeclareLaunchArgument(
                "autostart",
                default_value="true",
                choices=BOOLEAN,
                description="Configure and activate the segmentation node; if false, a lifecycle "
                "manager or `ros2 lifecycle set` does.",
            ),
            DeclareLaunchArgument(
                "respawn",
                default_value="false",
                choices=BOOLEAN,
                description="Start a node anew when it has ended; if false, everything ends with "
                "it, and with its exit code.",
            ),
            DeclareLaunchArgument(
                "log_level",
                default_value="info",
                choices=["debug", "info", "warn", "error", "fatal"],
                description="Least severity that the nodes log.",
            ),
            DeclareLaunchArgument(
                "use_sim_time",
                default_value="false",
                choices=BOOLEAN,
                description="Take the time from /clock, as simulators and bags publish it.",
            ),
            DeclareLaunchArgument(
                "overlay",
                default_value="false",
                choices=BOOLEAN,
                description="Start the overlay node too; it works only while somebody looks.",
            ),
            DeclareLaunchArgument(
                "rviz",
                default_value="false",
                choices=BOOLEAN,
                description="Show camera, overlay, masks and confidence in RViz; starts the "
                "overlay node too.",
            ),
            DeclareLaunchArgument(
                "large_images",
                default_value="profile",
                choices=["profile", "large_data", "off"],
                description="How Fast DDS is set up for camera images, for these nodes and all "
                "that are launched after them; see doc/explanation/dds.md.",
            ),
            OpaqueFunction(function=start),
        ]
    )


def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the processes that the arguments ask for."""

    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    def absolute(topic: str) -> str:
        parts = (pushed, namespace, topic)
        return topic if topic.startswith("/") else "/" + "/".join(part for part in parts if part)

    name, image = value("node_name"), value("image_topic")
    namespace = value("namespace").strip("/")
    pushed = context.launch_configurations.get("ros_namespace", "").strip("/")
    if warning := params_file_warning(
        Path(value("params_file")), [absolute(name), absolute("overlay_node")]
    ):
        get_logger("nightseg").warning(warning)
    if value("rviz") == "true":
        require_rviz()
    respawn, autostart = value("respawn") == "true", value("autostart") == "true"
    use_sim_time = {
        "use_sim_time": ParameterValue(value("use_sim_time") == "true", value_type=bool)
    }
    chosen = {
        parameter: ParameterValue(value(parameter), value_type=str)
        for parameter in ("input_transport", "route")
        if value(parameter) != FROM_PARAMS
    }
    common = {
        "package": PACKAGE,
        "namespace": namespace,
        "output": "screen",
        "ros_arguments": ["--log-level", value("log_level")],
        "respawn": respawn,
        "respawn_delay": RESPAWN_S,
        "on_exit": None if respawn else end_launch,
    }
    inputs = [("image", image), ("image/compressed", f"{image}/compressed")]
    actions: list[LaunchDescriptionEntity] = [
        SetEnvironmentVariable(variable, setting)
        for variable, setting in large_image_settings(os.environ, value("large_images")).items()
    ]
    node = LifecycleNode(
        **common,
        executable="segmentation_node",
        name=name,
        # Asked from here, a node that was killed would be asked in place of the one that follows
        # it: the graph remembers it for a while.
        arguments=["--autostart"] if respawn and autostart else [],
        parameters=[value("params_file"), {**chosen, **use_sim_time}],
        remappings=[*inputs, ("camera_info", value("camera_info_topic"))],
    )
    if autostart and not respawn:
        # The handlers first: the process may be faster than they are.
        actions += bring_up(node, absolute(name))
    actions.append(node)
    if "true" in (value("overlay"), value("rviz")):
        chosen.pop("route", None)
        chosen["source"] = ParameterValue(name, value_type=str)
        actions.append(
            Node(
                **common,
                executable="overlay_node",
                name="overlay_node",
                parameters=[value("params_file"), {**chosen, **use_sim_time}],
                remappings=inputs,
            )
        )
    if value("rviz") == "true":
        outputs = ("mask", "confidence", "points")
        actions.append(
            Node(
                package="rviz2",
                executable="rviz2",
                name="rviz2",
                arguments=["-d", str(CONFIG / "nightseg.rviz")],
                parameters=[use_sim_time],
                remappings=[
                    ("/image", absolute(image)),
                    *((f"/segmentation_node/{x}", absolute(f"{name}/{x}")) for x in outputs),
                    *(
                        (f"/overlay_node/{x}", absolute(f"overlay_node/{x}"))
                        for x in ("overlay", "color_mask")
                    ),
                ],
            )
        )
    return actions


def bring_up(node: LifecycleNode, name: str) -> list[LaunchDescriptionEntity]:
    """Return what configures the node once it runs, and activates it once it is configured."""

    def change(transition: int) -> EmitEvent:
        matcher = matches_action(node)
        return EmitEvent(
            event=ChangeState(lifecycle_node_matcher=matcher, transition_id=transition)
        )

    return [
        RegisterEventHandler(
            OnProcessStart(target_action=node, on_start=[change(Transition.TRANSITION_CONFIGURE)])
        ),
        RegisterEventHandler(
            OnStateTransition(
                target_lifecycle_node=node,
                start_state="configuring",
                goal_state="inactive",
                entities=[change(Transition.TRANSITION_ACTIVATE)],
            )
        ),
        RegisterEventHandler(
            OnStateTransition(
                target_lifecycle_node=node,
                start_state="configuring",
                goal_state="unconfigured",
                entities=[
                    LogInfo(
                        msg=f"{name} could not be configured; see its log for the cause. Fix "
                        f"that, then: ros2 lifecycle set {name} configure"
                    )
                ],
            )
        ),
    ]
