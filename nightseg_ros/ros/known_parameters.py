# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of both nodes together, and what is told of a name that is none of them.

ROS itself ignores a misspelt name in a params file without a word.
"""

from __future__ import annotations

import difflib
from typing import Any

from nightseg_ros.ros.overlay_settings import OverlaySettings
from nightseg_ros.ros.parameter_table import default, fields, ros_name
from nightseg_ros.ros.settings import Settings

PARAMETERS: dict[str, Any] = {
    ros_name(field): default(field)
    for table in (Settings, OverlaySettings)
    for field in fields(table)
}
"""The parameters of both nodes with their defaults; both may be given one params file."""

_OF_EVERY_NODE = ("use_sim_time", "start_type_description_service")


def unknown_parameter(name: str) -> str:
    """Return what is wrong with the name of a parameter, or an empty text."""
    if name in PARAMETERS or name in _OF_EVERY_NODE or name.startswith("qos_overrides."):
        return ""
    near = difflib.get_close_matches(name, PARAMETERS, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{name}: there is no such parameter; {hint}see the README"
