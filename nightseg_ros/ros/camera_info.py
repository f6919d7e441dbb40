# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The calibration of a camera, scaled to the size of the mask."""

from __future__ import annotations

import copy
from typing import Any


def scaled(info: Any, source_hw: tuple[int, int], target_hw: tuple[int, int]) -> Any:
    """Return a copy of a sensor_msgs/CameraInfo for images resized from source to target size.

    Focal lengths, centres and region of interest scale as image_proc's resize does it; the
    distortion belongs to the lens and stays.
    """
    info = copy.copy(info)  # its header is about to be replaced
    if source_hw == target_hw:
        return info
    y, x = target_hw[0] / source_hw[0], target_hw[1] / source_hw[1]
    info.height, info.width = target_hw
    info.k = [*(v * x for v in info.k[:3]), *(v * y for v in info.k[3:6]), *info.k[6:]]
    info.p = [*(v * x for v in info.p[:4]), *(v * y for v in info.p[4:8]), *info.p[8:]]
    roi = copy.copy(info.roi)
    roi.x_offset, roi.width = int(roi.x_offset * x), int(roi.width * x)
    roi.y_offset, roi.height = int(roi.y_offset * y), int(roi.height * y)
    info.roi = roi
    return info
