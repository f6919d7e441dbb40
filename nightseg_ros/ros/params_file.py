# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checks a params file before nodes read it.

ROS itself silently ignores a section that names no node, and launch_ros a missing file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.plain_yaml import read_plain_yaml
from nightseg_ros.ros.overlay_settings import OverlaySettings
from nightseg_ros.ros.parameter_table import default, fields, ros_name
from nightseg_ros.ros.settings import Settings

_PARAMETERS = "ros__parameters"
_EXAMPLE = "write '/**:', below it 'ros__parameters:', and below that the parameters"


def params_file_warning(file: Path, nodes: Sequence[str]) -> str:
    """Return a warning of sections that reach none of these nodes (full names); empty for none.

    Raises NightsegError where ROS could not use the file.
    """
    if not file.is_file():
        raise NightsegError(f"there is no params file '{file}'; name a YAML file")
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    if not any(line.strip() and not line.lstrip().startswith("#") for line in lines):
        return ""  # all is commented out
    unused = [
        section
        for section in _sections(file, read_plain_yaml(file))
        if not any(reaches(section, node) for node in nodes)
    ]
    if not unused:
        return ""
    return (
        f"params file {file}: nothing of {', '.join(unused)} reaches {' or '.join(nodes)}; "
        f"name such a section /** (all nodes) or {nodes[0]}"
    )


def reaches(section: str, node: str) -> bool:
    """Return whether a section applies to the node with this full name.

    >>> reaches("/**", "/car/seg"), reaches("/*/seg", "/car/seg"), reaches("/seg", "/car/seg")
    (True, True, False)
    """
    any_depth = re.escape(section).replace(r"/\*\*", r"(/\w+)*")
    return re.fullmatch(any_depth.replace(r"/\*", r"/\w+"), node) is not None


def _sections(file: Path, names: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield the full names of the nodes in a file; namespaces may be nested."""
    for key, value in names.items():
        name = f"{above}/{str(key).strip('/')}"
        if not isinstance(value, dict):
            raise NightsegError(
                f"params file {file}: {name} is not the section of a node; {_EXAMPLE}"
            )
        if _PARAMETERS in value:
            yield name
        inner = {key: value for key, value in value.items() if key != _PARAMETERS}
        yield from _sections(file, inner, name)


PARAMETERS: dict[str, Any] = {
    ros_name(field): default(field)
    for table in (Settings, OverlaySettings)
    for field in fields(table)
}
"""The parameters of both nodes with their defaults; one params file may serve both."""

_OF_EVERY_NODE = ("use_sim_time", "start_type_description_service")


def unknown_parameter(name: str) -> str:
    """Return what is wrong with the name of a parameter, or an empty text."""
    if name in PARAMETERS or name in _OF_EVERY_NODE or name.startswith("qos_overrides."):
        return ""
    near = difflib.get_close_matches(name, PARAMETERS, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{name}: there is no such parameter; {hint}see doc/reference/parameters.md"
