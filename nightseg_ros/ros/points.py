# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The mask as an organised point cloud in the frame of the camera, one point per pixel."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

import numpy as np
from sensor_msgs.msg import PointCloud2, PointField

from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.ground_points import Classes, GroundPoints, Plane, rays_of
from nightseg_ros.ros.transforms import TransformListener

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rclpy.lifecycle import LifecycleNode

    from nightseg_ros.labels.label_set import LabelSet
    from nightseg_ros.ros.qos import Notice
    from nightseg_ros.ros.settings import Settings

FIELDS = ("x", "y", "z", "rgb")
_CALIBRATION = ("width", "height", "distortion_model", "binning_x", "binning_y", "roi")


class Cloud:
    """A PointCloud2 whose points are written in place, frame after frame."""

    def __init__(self) -> None:
        self.message = PointCloud2(point_step=4 * len(FIELDS), is_dense=False)
        self.message.fields = [
            PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
            for i, name in enumerate(FIELDS)
        ]
        self._points = np.zeros((0, 0, len(FIELDS)), np.float32)
        self.grid: tuple[Any, GroundPoints] | None = None
        """The rays of the last calibration, and the calibration."""

    def points(self, height: int, width: int) -> NDArray[np.float32]:
        """Return the (height, width, 4) points of the message."""
        if self._points.shape[:2] != (height, width):
            step = width * self.message.point_step
            self.message.height, self.message.width = height, width
            self.message.row_step = step
            self.message.data = array("B", bytes(height * step))
            data = np.frombuffer(self.message.data, np.float32)
            self._points = data.reshape(height, width, len(FIELDS))
        return self._points


class PointsOutput:
    """Fills the clouds of all cameras of a node."""

    def __init__(
        self, node: LifecycleNode, labels: LabelSet, settings: Settings, notice: Notice
    ) -> None:
        self._labels, self._settings = labels, settings
        self._tf = TransformListener(node, notice)

    def listen(self, *, wanted: bool) -> None:
        """Subscribe to TF, or unsubscribe and forget it."""
        self._tf.listen(wanted=wanted)

    def fill(self, cloud: Cloud, mask: NDArray[np.uint8], info: Any, header: Any) -> PointCloud2:
        """Return the message of `cloud` for a mask; NightsegError where it has no geometry."""
        if info is None:
            raise NightsegError("no camera_info has arrived; publish it, or remap camera_info")
        stamp_ns = header.stamp.sec * 10**9 + header.stamp.nanosec
        ground = self._settings.ground_frame
        up, height = self._tf.transforms.plane(ground, header.frame_id, stamp_ns)
        points = cloud.points(*mask.shape)
        plane = Plane((float(up[0]), float(up[1]), float(up[2])), height)
        self._grid(cloud, mask.shape, info).fill(mask, plane, points)
        return cloud.message

    def _grid(self, cloud: Cloud, shape: tuple[int, ...], info: Any) -> GroundPoints:
        numbers = tuple(tuple(float(x) for x in getattr(info, name)) for name in "kdp")
        key = (shape, numbers, *(getattr(info, name) for name in _CALIBRATION))
        if cloud.grid is None or cloud.grid[0] != key:
            settings = self._settings
            classes = Classes.of(
                self._labels, settings.ground_classes, settings.standing_classes, settings.kerb_m
            )
            camera, distortion = calibration(info, (shape[0], shape[1]), settings.rectified)
            rays = rays_of(camera, distortion, info.distortion_model, (shape[1], shape[0]))
            cloud.grid = (key, GroundPoints(rays, classes, settings.farthest_m))
        return cloud.grid[1]


def calibration(
    info: Any, shape: tuple[int, int], rectified: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the (3, 3) camera matrix for a mask of (height, width) `shape`, and the distortion.

    The mask shows what the region of interest of the sensor shows, however it was scaled.
    """
    matrix = np.array(info.p).reshape(3, 4)[:, :3] if rectified else np.array(info.k).reshape(3, 3)
    width, height = info.roi.width or info.width, info.roi.height or info.height
    if not (matrix[0, 0] > 0.0 and matrix[1, 1] > 0.0 and width and height):
        name = "P" if rectified else "K"
        raise NightsegError(
            f"camera_info is not a calibration: focal lengths of {name} {matrix[0, 0]:g} and "
            f"{matrix[1, 1]:g}, size {width}x{height}; calibrate the camera"
        )
    scale = np.array([shape[1] / width, shape[0] / height])
    camera = np.array(matrix, np.float64)
    camera[:2, 2] -= (info.roi.x_offset, info.roi.y_offset)
    camera[:2] *= scale[:, None]
    # Centres of pixels have whole numbers, so that the corner of the image is at -0.5.
    camera[:2, 2] += (scale - 1.0) / 2.0
    return camera, np.zeros(0) if rectified else np.array(info.d, np.float64)
