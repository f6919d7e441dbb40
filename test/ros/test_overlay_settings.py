# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of the overlay node are checked, and mean what they mean in the other node."""

from __future__ import annotations

import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.overlay_settings import OverlaySettings
from nightseg_ros.ros.parameter_table import default, fields, ros_name, row
from nightseg_ros.ros.settings import Settings


def test_names_that_both_nodes_have_mean_the_same():
    ours = {ros_name(field): field for field in fields(OverlaySettings)}
    theirs = {ros_name(field): field for field in fields(Settings)}
    both = ours.keys() & theirs.keys()
    assert both == {"cameras", "input_transport", "max_megapixels"}
    for name in both:
        assert default(ours[name]) == default(theirs[name])
        assert row(ours[name]) == row(theirs[name])


def test_all_that_is_wrong_is_reported():
    with pytest.raises(NightsegError, match=r"alpha: 2\.0 is outside 0 to 1; source: is empty"):
        OverlaySettings(alpha=2.0, source="")
    with pytest.raises(NightsegError, match="cameras: one of several has no name"):
        OverlaySettings(cameras=("front", ""))
