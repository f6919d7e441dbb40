# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The launch files: what their source promises everywhere, what they build where launch is."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
from pathlib import Path

import pytest
import yaml

from nightseg_ros.cli.run import LOG_LEVELS, PARAMETERS
from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.parameter_table import fields, ros_name, row
from nightseg_ros.ros.settings import Settings
from nightseg_ros.ros.transport import MODES

FILES = ("nightseg.launch.py", "nav2.launch.py", "replay.launch.py")
FOLDER = Path(__file__).resolve().parents[2] / "launch"
CHOICES = {ros_name(field): list(row(field).choices) for field in fields(Settings)}

has_launch = importlib.util.find_spec("launch_ros") is not None
needs_launch = pytest.mark.skipif(
    not has_launch, reason="launch_ros is not installed: source a ROS 2 (it is not on PyPI)"
)


def tree(name):
    return ast.parse((FOLDER / name).read_text(encoding="utf-8"))


def constants(module):
    """Return the names that a module binds to literals."""
    found = {}
    for node in module.body:
        if isinstance(node, ast.Assign):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                found[node.targets[0].id] = "computed"
    return found


def plain(node, names):
    """Return the value of an expression of literals and module constants."""
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.List):
        return [plain(element, names) for element in node.elts]
    if isinstance(node, ast.Constant):
        return node.value
    return "computed"


def arguments(name):
    """Return name -> keywords of all arguments that a launch file declares."""
    module = tree(name)
    names = constants(module)
    return {
        call.args[0].value: {k.arg: plain(k.value, names) for k in call.keywords}
        for call in calls(module, "DeclareLaunchArgument")
    }


def calls(module, function):
    return [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and function in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))
    ]


@pytest.mark.parametrize("name", FILES)
def test_every_argument_is_described_and_finite_ones_have_choices(name):
    declared = arguments(name)
    assert len(declared) >= (1 if name == "nav2.launch.py" else 5)
    for argument, about in declared.items():
        text = about.get("description", "")
        assert len(text) > 20, f"{argument} is not described"
        assert text.endswith("."), f"{argument}: '{text}' is no sentence"
        if about.get("default_value") in ("true", "false"):
            assert about.get("choices") == ["true", "false"], argument
        if "choices" in about:
            assert about["default_value"] in about["choices"], argument


def test_choices_are_those_of_the_parameters():
    declared = arguments("nightseg.launch.py")
    for parameter in ("route", "input_transport"):
        assert declared[parameter]["choices"] == ["from_params", *CHOICES[parameter]]
        assert parameter in PARAMETERS
    assert declared["log_level"]["choices"] == list(LOG_LEVELS)
    assert declared["large_images"]["choices"] == list(MODES)


@pytest.mark.parametrize("name", FILES)
def test_every_argument_is_used_and_every_used_one_is_declared(name):
    module = tree(name)
    used = {
        call.args[0].value
        for function in ("value", "LaunchConfiguration")
        for call in calls(module, function)
        if isinstance(call.args[0], ast.Constant)
    }
    if name == "nightseg.launch.py":
        used |= {"route", "input_transport"}  # read in a loop over both
    assert used == set(arguments(name))


@pytest.mark.parametrize("name", FILES)
def test_no_network_no_eval_no_shell(name):
    module = tree(name)
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name).partition(".")[0]
        for node in ast.walk(module)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert imported <= {
        *("__future__", "os", "pathlib", "launch", "launch_ros", "lifecycle_msgs", "nightseg_ros")
    }
    for function in ("eval", "exec", "system", "popen", "compile", "__import__"):
        assert calls(module, function) == []
    keywords = {
        k.arg for node in ast.walk(module) if isinstance(node, ast.Call) for k in node.keywords
    }
    assert "shell" not in keywords


def rviz_config():
    return yaml.safe_load((FOLDER.parent / "config" / "nightseg.rviz").read_text())


def displays():
    return rviz_config()["Visualization Manager"]["Displays"]


def pictures():
    return [x for x in displays() if x["Class"] == "rviz_default_plugins/Image"]


def test_rviz_lays_out_every_picture():
    """Without a layout of Qt, the four pictures share one narrow column."""
    config = rviz_config()
    docks = {x["Name"] for x in [*config["Panels"], *pictures()]}
    geometry = config["Window Geometry"]
    assert {name for name, x in geometry.items() if x == {"collapsed": False}} == docks
    state = bytes.fromhex(geometry["QMainWindow State"])
    assert state.startswith(bytes.fromhex("000000ff00000000fd"))  # as QMainWindow.saveState()
    for name in docks:
        text = name.encode("utf-16-be")
        visible = b"\xfb" + len(text).to_bytes(4, "big") + text + b"\x01"
        assert state.count(visible) == 1, name


def test_rviz_shows_what_the_nodes_publish():
    shown = {display["Topic"]["Value"] for display in pictures()}
    assert shown == {
        "/image",
        "/overlay_node/overlay",
        "/overlay_node/color_mask",
        "/segmentation_node/confidence",
    }
    (points,) = (x for x in displays() if x["Class"] == "rviz_default_plugins/PointCloud2")
    assert points["Topic"]["Value"] == "/segmentation_node/points"
    assert rviz_config()["Visualization Manager"]["Global Options"]["Fixed Frame"] == (
        Settings().ground_frame
    )
    for display in [*pictures(), points]:
        assert display["Topic"]["Reliability Policy"] == "Best Effort"
        assert display["Topic"]["Depth"] == 1


def test_foxglove_shows_what_the_nodes_publish():
    layout = json.loads((FOLDER.parent / "config" / "foxglove_layout.json").read_text())
    panels = layout["configById"]

    def leaves(part):
        return [part] if isinstance(part, str) else leaves(part["first"]) + leaves(part["second"])

    assert sorted(leaves(layout["layout"])) == sorted(panels)
    text = json.dumps(panels)
    shown = set(re.findall(r"/(?:segmentation|overlay)_node/([a-z_]+)", text))
    publishers = pytest.importorskip("nightseg_ros.ros.publishers")
    assert shown <= {*publishers.OUTPUTS, "overlay"}
    assert {"overlay", "points", "route", "illumination"} <= shown


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Make it look as if rviz2 and ros2bag were installed, and return a bag."""
    index = tmp_path / "ros" / "share" / "ament_index" / "resource_index" / "packages"
    index.mkdir(parents=True)
    for package in ("rviz2", "ros2bag"):
        (index / package).touch()
    command = tmp_path / "bin" / "ros2"
    command.parent.mkdir()
    command.touch(0o755)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path / "ros"), prepend=os.pathsep)
    monkeypatch.setenv("PATH", str(command.parent), prepend=os.pathsep)
    bag = tmp_path / "a bag.mcap"
    bag.touch()
    return str(bag)


def build(name, **values):
    """Return the description of a launch file, and the actions that it starts with `values`."""
    from launch.actions import DeclareLaunchArgument, OpaqueFunction
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    from launch import LaunchContext

    context = LaunchContext()
    source = PythonLaunchDescriptionSource(str(FOLDER / name))
    description = source.get_launch_description(context)
    context.launch_configurations.update(values)
    actions = []
    for entity in description.entities:
        if isinstance(entity, DeclareLaunchArgument):
            entity.execute(context)
        elif isinstance(entity, OpaqueFunction):
            actions += entity.execute(context) or []
    return context, description, actions


def parameters_of(context, node):
    """Return what a node gets as parameters: files, and names with values."""
    from launch_ros.utilities import evaluate_parameters

    given = {}
    for part in evaluate_parameters(context, node._Node__parameters):
        given |= part if isinstance(part, dict) else {"file": str(part)}
    return given


@needs_launch
@pytest.mark.parametrize("name", FILES)
def test_the_description_is_built_with_its_arguments(name, installed):
    context, description, _ = build(name, bag=installed)
    built = {argument.name: argument for argument in description.get_launch_arguments()}
    assert set(arguments(name)) <= set(built)
    assert all(argument.description for argument in built.values())
    assert Path(context.launch_configurations.get("params_file", FOLDER)).exists()


@needs_launch
def test_by_default_one_managed_node_is_started(monkeypatch):
    from launch.actions import RegisterEventHandler, SetEnvironmentVariable
    from launch_ros.actions import LifecycleNode, Node

    for variable in list(os.environ):
        if variable.startswith(("FASTDDS", "FASTRTPS", "RMW_")):
            monkeypatch.delenv(variable)
    context, _, actions = build("nightseg.launch.py")
    kinds = [type(action) for action in actions]
    assert kinds == [*[SetEnvironmentVariable] * 2, *[RegisterEventHandler] * 3, LifecycleNode]
    given = parameters_of(context, actions[-1])
    assert given == {"file": str(FOLDER.parent / "config" / "nightseg.yaml"), "use_sim_time": False}
    assert not any(type(action) is Node for action in actions)


@needs_launch
def test_a_node_that_comes_back_configures_itself():
    from launch.actions import RegisterEventHandler

    for respawn in ("true", "false"):
        _, _, actions = build("nightseg.launch.py", respawn=respawn)
        words = ["".join(part.describe() for part in word) for word in actions[-1].cmd]
        assert any("--autostart" in word for word in words) == (respawn == "true")
        handlers = [action for action in actions if isinstance(action, RegisterEventHandler)]
        assert bool(handlers) == (respawn == "false")


@needs_launch
def test_arguments_reach_the_nodes_with_their_types(installed):
    from launch_ros.actions import LifecycleNode

    context, _, actions = build(
        "nightseg.launch.py",
        autostart="false",
        large_images="off",
        route="night",
        input_transport="compressed",
        use_sim_time="true",
        node_name="1e5",
        rviz="true",
        params_file=str(FOLDER.parent / "config" / "nightseg.yaml"),
    )
    segmentation, overlay, rviz = actions
    assert isinstance(segmentation, LifecycleNode)
    given = parameters_of(context, segmentation)
    assert (given["route"], given["input_transport"]) == ("night", "compressed")
    assert given["use_sim_time"] is True
    given = parameters_of(context, overlay)
    assert given["source"] == "1e5"
    assert "route" not in given
    assert parameters_of(context, rviz) == {"use_sim_time": True}
    remapped = {source[0].text for source, _ in rviz._Node__remappings}
    assert remapped >= {display["Topic"]["Value"] for display in displays()}


@needs_launch
@pytest.mark.parametrize("value", ["dusk", ""])
def test_a_value_that_is_no_choice_is_refused(value):
    with pytest.raises(RuntimeError, match="Valid options are"):
        build("nightseg.launch.py", route=value)


@needs_launch
def test_the_bag_is_played_when_the_node_is_active(installed):
    from launch.actions import RegisterEventHandler
    from launch.utilities import perform_substitutions

    context, _, actions = build("replay.launch.py", bag=installed, rate="0.5", loop="true")
    assert [type(action) for action in actions] == [RegisterEventHandler]
    handler = actions[0].event_handler
    assert handler.handle_once  # the node may be activated again
    (player,) = handler.entities
    words = [perform_substitutions(context, word) for word in player.cmd]
    assert words == [
        *("ros2", "bag", "play", installed, "--clock", "100", "--rate", "0.5", "--loop")
    ]


@needs_launch
@pytest.mark.parametrize("rate", ["0", "-1", "nan", "fast", ""])
def test_a_rate_that_is_none_is_refused(rate, installed):
    with pytest.raises(NightsegError, match=f"rate is '{rate}'; it must be a number above 0"):
        build("replay.launch.py", bag=installed, rate=rate)


@needs_launch
@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("nightseg.launch.py", {"rviz": "true"}, "rviz2 is not installed"),
        ("nightseg.launch.py", {"params_file": "/no.yaml"}, "there is no params file '/no.yaml'"),
        ("replay.launch.py", {"bag": "/no/bag"}, "there is no bag '/no/bag'"),
        ("replay.launch.py", {"bag": __file__}, "is not a bag"),
    ],
)
def test_what_is_missing_is_refused(name, values, said, monkeypatch):
    monkeypatch.setenv("AMENT_PREFIX_PATH", "/nowhere")
    with pytest.raises(NightsegError, match=said):
        build(name, **values)


@needs_launch
def test_a_replay_without_its_player_is_refused(installed, monkeypatch):
    monkeypatch.setenv("AMENT_PREFIX_PATH", "/nowhere")
    with pytest.raises(NightsegError, match="ros2bag is not installed"):
        build("replay.launch.py", bag=installed)
