# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The calibration is scaled like the image, also where it contradicts the image."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from sensor_msgs.msg import CameraInfo, RegionOfInterest

from nightseg_ros.ros.publishers import scaled

pytestmark = pytest.mark.ros

MOST = 2**32 - 1


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((10, 20, 30, 40), (20, 60, 60, 120)),
        ((0, 0, 0, 0), (0, 0, 0, 0)),  # the whole image
        ((MOST, MOST, MOST, MOST), (200, 300, 0, 0)),
        ((10, 20, MOST, MOST), (20, 60, 180, 240)),
    ],
)
def test_region_is_scaled_and_stays_in_the_image(given, wanted):
    """A message that checks its fields refuses numbers that do not fit; so do rclpy's others."""
    names = ("x_offset", "y_offset", "width", "height")
    info = CameraInfo(check_fields=True)
    info.roi = RegionOfInterest(**dict(zip(names, given, strict=True)), check_fields=True)
    roi = scaled(info, source_hw=(100, 100), target_hw=(300, 200)).roi
    assert tuple(getattr(roi, name) for name in names) == wanted
    assert tuple(getattr(info.roi, name) for name in names) == given
