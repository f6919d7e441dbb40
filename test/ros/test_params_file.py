# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What ROS would drop of a params file without a word is logged, and only that."""

from __future__ import annotations

import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.params_file import params_file_warning, reaches

NODES = ["/car/segmentation_node", "/car/overlay_node"]
SECTIONS = (
    *("/**", "**", "/*", "*", "/**/seg", "**/seg", "/*/seg", "/car/**", "/car/*"),
    *("seg", "/seg", "car/seg", "/car/seg", "/other"),
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "params.yaml"


def section(name, **parameters):
    lines = "".join(f"    {key}: {value}\n" for key, value in parameters.items())
    return f'"{name}":\n  ros__parameters:\n{lines}'


@pytest.mark.parametrize("name", ["/**", "/car/segmentation_node", "car/overlay_node", "/car/*"])
def test_sections_that_reach_a_node_are_no_matter(file, name):
    file.write_text(section(name, route="night"))
    assert params_file_warning(file, NODES) == ""


def test_namespaces_may_be_nested(file):
    file.write_text("car:\n  segmentation_node:\n    ros__parameters:\n      route: night\n")
    assert params_file_warning(file, NODES) == ""
    assert "nothing of /car/segmentation_node reaches" in params_file_warning(file, ["/seg"])


def test_a_section_of_no_node_is_reported_with_the_name_that_it_should_have(file):
    file.write_text(section("segmentation_node", route="night") + section("/**", lazy="false"))
    assert params_file_warning(file, NODES) == (
        f"params file {file}: nothing of /segmentation_node reaches /car/segmentation_node or "
        "/car/overlay_node; name such a section /** (all nodes) or /car/segmentation_node"
    )


@pytest.mark.parametrize("text", ["", "# /**:\n#   ros__parameters:\n"])
def test_a_file_without_a_section_is_one(file, text):
    file.write_text(text)
    assert params_file_warning(file, NODES) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("route: night\n", "/route is not the section of a node; write '/\\*\\*:', below it"),
        ("segmentation_node:\n  route: night\n", "/segmentation_node/route is not the section"),
        ("segmentation_node:\n", "/segmentation_node is not the section"),
        ("- route\n", "contains no mapping"),
        ("/**: {", "not plain YAML"),
    ],
)
def test_a_file_that_ros_could_not_use_is_refused(file, text, said):
    file.write_text(text)
    with pytest.raises(NightsegError, match=said):
        params_file_warning(file, NODES)


def test_a_missing_file_is_refused(file, tmp_path):
    for path in (file, tmp_path):
        with pytest.raises(NightsegError, match="there is no params file"):
            params_file_warning(path, NODES)


@pytest.mark.ros
@pytest.mark.parametrize("namespace", ["", "/car", "/a/car"])
def test_sections_reach_the_nodes_that_ros_gives_them_to(file, namespace):
    rclpy = pytest.importorskip("rclpy", reason="needs rclpy")
    given, expected = set(), set()
    for name in SECTIONS:
        file.write_text(section(name, route="night"))
        context = rclpy.Context()
        rclpy.init(args=["--ros-args", "--params-file", str(file)], context=context)
        node = rclpy.create_node("seg", context=context, namespace=namespace)
        try:
            if "route" in node._parameter_overrides:
                given.add(name)
        finally:
            node.destroy_node()
            rclpy.shutdown(context=context)
        if reaches(f"/{name.strip('/')}", f"{namespace}/seg"):
            expected.add(name)
    assert expected == given
    assert 4 <= len(given) < len(SECTIONS)
