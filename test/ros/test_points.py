# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which calibration fits a mask: scaled, cut and binned images."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from sensor_msgs.msg import CameraInfo, RegionOfInterest

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.points import calibration

pytestmark = pytest.mark.ros

K = [100.0, 0.0, 79.5, 0.0, 100.0, 59.5, 0.0, 0.0, 1.0]
P = [90.0, 0.0, 70.0, 0.0, 0.0, 90.0, 50.0, 0.0, 0.0, 0.0, 1.0, 0.0]


def info(**fields):
    return CameraInfo(**{"width": 160, "height": 120, "k": K, "p": P, "d": [0.1] * 5, **fields})


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((120, 160), (100.0, 79.5, 100.0, 59.5)),
        ((60, 80), (50.0, 39.5, 50.0, 29.5)),  # the centre stays the centre
        ((240, 160), (100.0, 79.5, 200.0, 119.5)),
    ],
)
def test_the_mask_may_be_scaled(shape, wanted):
    camera, distortion = calibration(info(), shape, False)
    assert (camera[0, 0], camera[0, 2], camera[1, 1], camera[1, 2]) == pytest.approx(wanted)
    assert list(distortion) == [0.1] * 5


def test_a_region_of_interest():
    region = RegionOfInterest(x_offset=40, y_offset=20, width=80, height=60)
    camera, _ = calibration(info(roi=region, binning_x=2, binning_y=2), (30, 40), False)
    assert camera[0, 0] == 50.0
    assert camera[:2, 2] == pytest.approx(((39.5 + 0.5) / 2 - 0.5, (39.5 + 0.5) / 2 - 0.5))


def test_rectified_images_have_another_matrix_and_no_distortion():
    camera, distortion = calibration(info(), (120, 160), True)
    assert (camera[0, 0], camera[1, 2]) == (90.0, 50.0)
    assert not np.any(distortion)


@pytest.mark.parametrize("fields", [{"k": [0.0] * 9}, {"width": 0}])
def test_a_camera_that_is_not_calibrated(fields):
    with pytest.raises(NightsegError, match="calibrate the camera"):
        calibration(info(**fields), (120, 160), False)
