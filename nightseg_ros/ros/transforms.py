# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The frames of TF at the time of an image, from /tf and /tf_static.

Small, since the Python bindings of tf2 are not among the wheels and only one pose is wanted.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.qos import Notice, create_subscription, latched

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rclpy.lifecycle import LifecycleNode

try:
    from tf2_msgs.msg import TFMessage
except ImportError:  # an optional package: without it there is no ~/points
    TFMessage = None

HISTORY_NS = 10 * 10**9
LATE_NS = 300_000_000
"""The newest transform serves images that are so much newer, as tf2 users allow it, too."""
_DEEPEST = 100
"""Frames above each other; more is a loop."""


class Pose(NamedTuple):
    """A frame in its parent: p_parent = turn(rotation) p + translation."""

    stamp_ns: int
    translation: NDArray[np.float64]
    rotation: NDArray[np.float64]
    """A unit quaternion x, y, z, w."""


class Transforms:
    """The recent poses of every frame. Filled by the executor, asked by the worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parents: dict[str, str] = {}
        self._poses: dict[str, deque[Pose]] = {}
        self._fixed: set[str] = set()

    def add(self, message: Any, *, fixed: bool) -> None:
        """Take the transforms of a message; those of /tf_static are `fixed`."""
        with self._lock:
            for one in message.transforms:
                stamp, child = one.header.stamp, one.child_frame_id.lstrip("/")
                move, turn = one.transform.translation, one.transform.rotation
                rotation = np.array([turn.x, turn.y, turn.z, turn.w])
                length = float(np.linalg.norm(rotation))
                if not 0.9 < length < 1.1:  # NaN, too
                    continue
                pose = Pose(
                    stamp.sec * 10**9 + stamp.nanosec,
                    np.array([move.x, move.y, move.z]),
                    rotation / length,
                )
                self._keep(child, one.header.frame_id.lstrip("/"), pose, fixed)

    def _keep(self, child: str, parent: str, pose: Pose, fixed: bool) -> None:
        poses = self._poses.setdefault(child, deque())
        back = bool(poses) and pose.stamp_ns < poses[-1].stamp_ns - HISTORY_NS
        if fixed or back or self._parents.get(child) != parent:  # time jumped, or another tree
            poses.clear()
        self._parents[child] = parent
        (self._fixed.add if fixed else self._fixed.discard)(child)
        if not poses or pose.stamp_ns > poses[-1].stamp_ns:
            poses.append(pose)
        while poses[-1].stamp_ns - poses[0].stamp_ns > HISTORY_NS:
            poses.popleft()

    def plane(self, ground: str, camera: str, stamp_ns: int) -> tuple[NDArray[np.float64], float]:
        """Return the up vector of frame `ground` in `camera`, and the height of the camera.

        NightsegError where they are not connected at that time.
        """
        if TFMessage is None:
            raise NightsegError(
                "tf2_msgs is not installed: sudo apt install ros-$ROS_DISTRO-tf2-msgs"
            )
        with self._lock:
            here, there = self._way_up(camera.lstrip("/")), self._way_up(ground.lstrip("/"))
            shared = next((frame for frame in here if frame in there), None)
            if shared is None:
                raise NightsegError(
                    f"no transform from {camera or 'a frame without a name'} to {ground}: "
                    f"TF has {', '.join(sorted(self._poses)) or 'no frames'}; publish the mount "
                    "of the camera (robot_state_publisher), or set ground_frame"
                )
            turn, move = self._to(shared, here, stamp_ns)
            ground_turn, ground_move = self._to(shared, there, stamp_ns)
        up = ground_turn[:, 2]
        return up @ turn, float(up @ (move - ground_move))

    def _way_up(self, frame: str) -> list[str]:
        way = [frame]
        while way[-1] in self._parents and len(way) < _DEEPEST:
            way.append(self._parents[way[-1]])
        return way

    def _to(
        self, root: str, way: list[str], stamp_ns: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        turn, move = np.eye(3), np.zeros(3)
        for frame in way[: way.index(root)]:
            pose = self._at(frame, stamp_ns)
            matrix = matrix_of(pose.rotation)
            turn, move = matrix @ turn, matrix @ move + pose.translation
        return turn, move

    def _at(self, frame: str, stamp_ns: int) -> Pose:
        poses = self._poses[frame]
        if frame in self._fixed:
            return poses[-1]
        late_ns = stamp_ns - poses[-1].stamp_ns
        if late_ns > LATE_NS or stamp_ns < poses[0].stamp_ns:
            old = f"{late_ns / 1e9:.2f} s old" if late_ns > 0 else "newer than the image"
            raise NightsegError(
                f"the transform of {frame} in {self._parents[frame]} is {old} at the stamp of the "
                "image; check the clocks of both publishers, and use_sim_time"
            )
        if late_ns >= 0:
            return poses[-1]
        after = bisect_right([pose.stamp_ns for pose in poses], stamp_ns)
        first, second = poses[after - 1], poses[after]
        part = (stamp_ns - first.stamp_ns) / (second.stamp_ns - first.stamp_ns)
        sign = 1.0 if first.rotation @ second.rotation >= 0.0 else -1.0
        rotation = (1 - part) * first.rotation + part * sign * second.rotation
        return Pose(
            stamp_ns,
            (1 - part) * first.translation + part * second.translation,
            rotation / np.linalg.norm(rotation),
        )


def matrix_of(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (3, 3) matrix of a unit quaternion x, y, z, w."""
    vector, w = rotation[:3], rotation[3]
    cross = np.cross(np.eye(3), vector)
    return np.asarray(np.eye(3) + 2 * w * cross + 2 * cross @ cross)


class TransformListener:
    """Subscribes to TF while somebody wants points, and forgets it afterwards."""

    def __init__(self, node: LifecycleNode, notice: Notice) -> None:
        self._node, self._notice = node, notice
        self._subscriptions: list[Any] = []
        self.transforms = Transforms()

    def listen(self, *, wanted: bool) -> None:
        """Subscribe or unsubscribe."""
        if wanted and not self._subscriptions and TFMessage is not None:
            from rclpy.qos import QoSProfile

            fixed = latched()
            fixed.depth = 100  # one message of each publisher of /tf_static
            self._subscriptions = [
                create_subscription(
                    self._node,
                    TFMessage,
                    topic,
                    lambda message, fixed=fixed: self.transforms.add(message, fixed=fixed),
                    profile,
                    self._notice,
                )
                for topic, profile, fixed in (
                    ("/tf", QoSProfile(depth=100), False),
                    ("/tf_static", fixed, True),
                )
            ]
        elif not wanted and self._subscriptions:
            for subscription in self._subscriptions:
                self._node.destroy_subscription(subscription)
            self._subscriptions = []
            self.transforms = Transforms()
