# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of the overlay node are those that the README tells of."""

from __future__ import annotations

import re

import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.overlay_settings import OverlaySettings
from nightseg_ros.ros.parameter_table import default, fields, kind, ros_name, row
from nightseg_ros.ros.settings import Settings


def test_the_readme_tells_every_parameter(repository):
    text = (repository / "README.md").read_text(encoding="utf-8")
    section = text.partition("## The overlay node, RViz and Foxglove")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| (\w+ \| `[^`]*`) \|", section, re.MULTILINE))
    shown = {False: "false", True: "true", "": "''", (): "['']"}
    assert told == {
        ros_name(field): f"{kind(field)} | `{shown.get(default(field), default(field))}`"
        for field in fields(OverlaySettings)
    }


def test_names_that_both_nodes_have_mean_the_same():
    ours = {ros_name(field): field for field in fields(OverlaySettings)}
    theirs = {ros_name(field): field for field in fields(Settings)}
    both = ours.keys() & theirs.keys()
    assert both == {"cameras", "input_transport"}
    for name in both:
        assert default(ours[name]) == default(theirs[name])
        assert row(ours[name]) == row(theirs[name])


def test_all_that_is_wrong_is_told():
    with pytest.raises(NightsegError, match=r"alpha: 2\.0 is outside 0 to 1; source: is empty"):
        OverlaySettings(alpha=2.0, source="")
